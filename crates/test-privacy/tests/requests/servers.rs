//! Servers: an app of each framework with every kind of route for every platform, whose routes log whatever they get by `Debug`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Debug;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use actix_web::{App, HttpResponse, HttpServer, web};
use async_trait::async_trait;
use axum::Router;
use axum::extract::Extension;
use axum::http;
use axum::response::IntoResponse;
use axum::routing::any;
use bytes::Bytes;
use lifecycle_core::{Decision, Delivery, HandlerError, LifecycleHandler, Platform, securityscorecard};
use lifecycle_testing::registry;
use lifecycle_tower::{LifecycleEndpoint, LifecycleLayer};
use serde_json::Value;
use test_privacy::CANARY;
use tokio::runtime::Runtime;
use warp::Filter;
use warp::Reply;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::requests::{shown, verifier};

/// The routes of each app, each with a path for each platform below it. What is not genuine is sent to the first three.
pub(crate) const ROUTES: &[&str] =
    &["accept", "around", "extract", "refuse", "database", "parse", "panic", "around-panic"];

/// The endpoints among them: what their handlers do.
const ENDPOINTS: [&str; 5] = ["accept", "refuse", "database", "parse", "panic"];

/// A route of warp whose hook's token is a `warp::path::param`, as the guide to logs of requests tells not to have it.
pub(crate) const PARAMETER: &str = "parameter";

/// A server that runs until the process ends.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) speaks_http2: bool,
}

/// What an endpoint asks; it does what its route is called.
#[derive(Clone, Copy)]
struct Handler(&'static str);

#[async_trait]
impl LifecycleHandler for Handler {
    async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
        show(delivery);
        Ok(if self.0 == "refuse" { Decision::refuse("no seats left") } else { Decision::Accept })
    }

    async fn event(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        match self.0 {
            // What a database says of a value that is there already.
            "database" => Err(std::io::Error::other(format!("duplicate key\nDETAIL: {CANARY}")).into()),
            "parse" => Ok(serde_json::from_slice::<u8>(format!("\"{CANARY}\"").as_bytes()).map(drop)?),
            "panic" => panic!("{CANARY}: {:?}", delivery.body()),
            _ => Ok(()),
        }
    }
}

/// What a careless app does with all that it is given, under a target of its own.
fn show(given: &dyn Debug) {
    tracing::info!(target: "lifecycle_app", "{given:?} {given:#?}");
}

/// An extractor's rejection.
fn show_error(error: &(dyn Error + 'static)) {
    for text in shown(error) {
        tracing::info!(target: "lifecycle_app", "{text}");
    }
}

fn show_delivery(delivery: &Delivery) {
    show(delivery);
    show(delivery.event());
    show(delivery.trust());
    show(delivery.headers());
    show(&delivery.envelope());
    show(&delivery.decode::<u8>());
}

fn status(delivery: &Delivery) -> u16 {
    show_delivery(delivery);
    delivery.platform().ack().status()
}

fn platforms() -> impl Iterator<Item = &'static Platform> {
    registry().iter().map(|sender| sender.platform())
}

impl Server {
    /// axum, and tower's service and layer in it.
    pub(crate) fn axum(runtime: &Runtime) -> Self {
        use lifecycle_tower::axum::{DeliveryJson, Verified, VerifiedJson, VerifiedRejection};

        async fn around(Extension(delivery): Extension<Delivery>, body: Bytes) -> http::StatusCode {
            assert_eq!(&body, delivery.body());
            http::StatusCode::from_u16(status(&delivery)).expect("a status")
        }

        async fn around_panic(given: DeliveryJson<Value>) -> http::StatusCode {
            show(&given);
            panic!("{CANARY}: {}", given.0)
        }

        async fn extract(
            given: Result<VerifiedJson<Value>, VerifiedRejection>,
        ) -> http::Response<axum::body::Body> {
            show(&given);
            match given {
                Ok(VerifiedJson(_, delivery)) => {
                    show(&Verified(delivery.clone()));
                    IntoResponse::into_response(
                        http::StatusCode::from_u16(status(&delivery)).expect("a status"),
                    )
                }
                Err(rejected) => {
                    show_error(&rejected);
                    IntoResponse::into_response(rejected)
                }
            }
        }

        let mut router = Router::new();
        for platform in platforms() {
            let paths = |route: &str| {
                [format!("/{route}/{}", platform.name()), format!("/{route}/{}/{{*rest}}", platform.name())]
            };
            for route in ENDPOINTS {
                for path in paths(route) {
                    router = router
                        .route_service(&path, LifecycleEndpoint::new(verifier(platform), Handler(route)));
                }
            }
            let layer = || LifecycleLayer::new(verifier(platform));
            for path in paths("around") {
                router = router.route(&path, any(around).layer(layer()));
            }
            for path in paths("around-panic") {
                router = router.route(&path, any(around_panic).layer(layer()));
            }
            for path in paths("extract") {
                router =
                    router.merge(Router::new().route(&path, any(extract)).with_state(verifier(platform)));
            }
        }
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { name: "axum", address, speaks_http2: true }
    }

    /// actix-web.
    pub(crate) fn actix() -> Self {
        use lifecycle_actix::{Verified, VerifiedJson, VerifiedRejection, endpoint, verify};

        async fn around(delivery: web::ReqData<Delivery>, body: Bytes) -> HttpResponse {
            assert_eq!(&body, delivery.body());
            HttpResponse::build(actix_web::http::StatusCode::from_u16(status(&delivery)).expect("a status"))
                .finish()
        }

        async fn around_panic(given: VerifiedJson<Value>) -> HttpResponse {
            show(&given);
            panic!("{CANARY}: {}", given.0)
        }

        async fn extract(
            given: Result<VerifiedJson<Value>, VerifiedRejection>,
        ) -> Result<HttpResponse, VerifiedRejection> {
            show(&given);
            let VerifiedJson(_, delivery) = given.inspect_err(|rejected| show_error(rejected))?;
            show(&Verified(delivery.clone()));
            let status = actix_web::http::StatusCode::from_u16(status(&delivery)).expect("a status");
            Ok(HttpResponse::build(status).finish())
        }

        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let app = || {
            let mut app = App::new();
            for platform in platforms() {
                let resource = |route: &str| {
                    web::resource([
                        format!("/{route}/{}", platform.name()),
                        format!("/{route}/{}/{{rest:.*}}", platform.name()),
                    ])
                };
                for route in ENDPOINTS {
                    app = app.service(
                        resource(route).route(endpoint(verifier(platform), Arc::new(Handler(route)))),
                    );
                }
                app = app
                    .service(resource("around").wrap(verify(verifier(platform))).route(web::to(around)))
                    .service(
                        resource("around-panic")
                            .wrap(verify(verifier(platform)))
                            .route(web::to(around_panic)),
                    )
                    .service(resource("extract").app_data(verifier(platform)).route(web::to(extract)));
            }
            app
        };
        thread::spawn(move || {
            let server = HttpServer::new(app).workers(1).disable_signals();
            let server = server.listen(listener).expect("it listens").run();
            actix_web::rt::System::new().block_on(server)
        });
        Self { name: "actix-web", address, speaks_http2: false }
    }

    /// warp.
    pub(crate) fn warp(runtime: &Runtime) -> Self {
        use lifecycle_warp::{VerifiedRejection, endpoint, payload, recover, verified, verify};
        use warp::http::StatusCode;

        fn answer(delivery: &Delivery) -> Response {
            Reply::into_response(StatusCode::from_u16(status(delivery)).expect("a status"))
        }

        async fn tell(rejection: warp::Rejection) -> Result<Response, warp::Rejection> {
            show(&rejection);
            show(&rejection.find::<VerifiedRejection>());
            recover(rejection).await
        }

        let mut all = BTreeMap::<&'static str, BoxedFilter<(Response,)>>::new();
        let mut add = |route: &'static str, platform: &'static Platform, filter: BoxedFilter<(Response,)>| {
            let filter = warp::path(platform.name()).and(filter).boxed();
            let filter = match all.remove(route) {
                None => filter,
                Some(before) => before.or(filter).unify().boxed(),
            };
            all.insert(route, filter);
        };
        for platform in platforms() {
            for route in ENDPOINTS {
                add(route, platform, endpoint(verifier(platform), Handler(route)).boxed());
            }
            let around = warp::body::bytes().and(warp::ext::get::<Delivery>()).map(
                |body: Bytes, delivery: Delivery| {
                    assert_eq!(&body, delivery.body());
                    answer(&delivery)
                },
            );
            add("around", platform, verify(verifier(platform), around).boxed());
            let panics = warp::ext::get::<Delivery>()
                .and_then(payload)
                .map(|given: Value| -> Response { panic!("{CANARY}: {given}") });
            add("around-panic", platform, verify(verifier(platform), panics).boxed());
            let extract = verified(verifier(platform))
                .map(|delivery: Delivery| answer(&delivery))
                .recover(tell)
                .unify();
            add("extract", platform, extract.boxed());
        }
        let hook = endpoint(verifier(&securityscorecard::PLATFORM), Handler("accept"));
        add(
            PARAMETER,
            &securityscorecard::PLATFORM,
            warp::path::param::<String>().map(drop).untuple_one().and(hook).boxed(),
        );
        let routes = all.into_iter().map(|(route, filter)| warp::path(route).and(filter).boxed());
        let routes =
            routes.reduce(|before, route| before.or(route).unify().boxed()).expect("there are routes");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        runtime.spawn(warp::serve(routes).incoming(listener).run());
        Self { name: "warp", address, speaks_http2: true }
    }
}
