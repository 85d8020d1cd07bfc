//! An adapter for poem, on `lifecycle-core` alone: [`LifecycleEndpoint`] is a whole route, [`Verify`] stands in front of one. Copy
//! this file. What is about tokio in it is also in `lifecycle-adapter`, for adapters that are to be kept up.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::{Stream, StreamExt};
use lifecycle_core::{
    Delivery, EndpointHandler, Head, KeysUnavailable, RejectedRequest, Rejection, Reply, RequestBody,
    RequestOutcome, Unhandled, Verifier, run_handler,
};
use poem::http::{Version, header::EXPECT};
use poem::{Endpoint, Middleware, Request, Response};
use tokio::task::consume_budget;
use tokio::time::timeout;

/// The whole route, for all methods: it verifies, asks the handler, and answers as the platform demands.
pub(crate) struct LifecycleEndpoint {
    verifier: Verifier,
    handler: Arc<dyn EndpointHandler>,
}

impl LifecycleEndpoint {
    pub(crate) fn new(verifier: Verifier, handler: impl EndpointHandler) -> Self {
        Self { verifier, handler: Arc::new(handler) }
    }
}

impl Endpoint for LifecycleEndpoint {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let started = Instant::now();
        let result = match receive(&self.verifier, &mut request, started).await {
            Ok(delivery) => {
                let within = left(&self.verifier, started);
                let asked = timeout(within, run_handler(&*self.handler, &delivery, within)).await;
                let asked = asked.unwrap_or(Err(Rejection::DeadlineExceeded));
                asked.map(|()| delivery).map_err(|rejection| RejectedRequest::after_body(rejection).into())
            }
            Err(unhandled) => Err(unhandled),
        };
        Ok(answer(&self.verifier, RequestOutcome::of(result.as_ref()), started))
    }
}

/// In front of a route that exists already: that gets its body, and a `Delivery` as `Data<&Delivery>`.
pub(crate) struct Verify(pub(crate) Verifier);

impl<E: Endpoint> Middleware<E> for Verify {
    type Output = Verified<E>;

    fn transform(&self, route: E) -> Verified<E> {
        Verified { verifier: self.0.clone(), route }
    }
}

/// A route behind [`Verify`].
pub(crate) struct Verified<E> {
    verifier: Verifier,
    route: E,
}

impl<E: Endpoint> Endpoint for Verified<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let started = Instant::now();
        let delivery = match receive(&self.verifier, &mut request, started).await {
            Ok(delivery) => delivery,
            Err(unhandled) => return Ok(answer(&self.verifier, unhandled.outcome(), started)),
        };
        request.set_body(delivery.body().clone());
        request.set_data(delivery.clone());
        let routed = timeout(left(&self.verifier, started), self.route.get_response(request)).await;
        let Ok(response) = routed else {
            let late = RejectedRequest::after_body(Rejection::DeadlineExceeded).into();
            return Ok(answer(&self.verifier, RequestOutcome::of(Err(&late)), started));
        };
        let outcome = RequestOutcome::Answered(&delivery, Some(response.status().as_u16()));
        self.verifier.record(outcome, started.elapsed(), SystemTime::now());
        Ok(response)
    }
}

/// Takes a request through the verifier, within its timeout.
async fn receive(
    verifier: &Verifier,
    request: &mut Request,
    started: Instant,
) -> Result<Delivery, Unhandled> {
    let body = request.take_body().into_bytes_stream();
    let lines = || request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    // The whole target, also where routes are nested. From HTTP/2 on, nothing of a body is left on the connection.
    let target = request.original_uri().path_and_query().map_or("/", |target| target.as_str());
    let one_stream = request.version() < Version::HTTP_2;
    let unread = if one_stream { RequestBody::announced(lines()) } else { RequestBody::Read };
    let rejected = |rejection| RejectedRequest { rejection, body: unread };

    let mut verification = match verifier.begin(Head::new(request.method().as_str(), target, lines())) {
        Ok(verification) => verification,
        Err(early) => {
            // To read on would send `100 Continue` to a sender that waits for it.
            if !request.headers().contains_key(EXPECT) {
                discard(body);
            }
            return Err(rejected(early.rejection).into());
        }
    };
    let mut body = Box::pin(body);
    let read = timeout(left(verifier, started), async {
        while let Some(chunk) = body.next().await {
            consume_budget().await; // a body that always has a chunk ready must not outrun the timeout
            let chunk = chunk.map_err(|_| Rejection::BodyUnreadable)?;
            verification.push(chunk).map_err(Rejection::from)?;
        }
        Ok(())
    });
    if let Err(rejection) = read.await.unwrap_or_else(|_| Err(verifier.platform().ack().late_body())) {
        discard(body);
        return Err(rejected(rejection).into());
    }
    if let Some(keys) = verification.look_up() {
        let found = timeout(left(verifier, started), keys).await;
        verification.supply(found.unwrap_or(Err(KeysUnavailable)));
    }
    verification.finish(SystemTime::now())?.delivery()
}

/// Reads the rest of a rejected body for a second, so that its sender sees the answer and no reset.
fn discard<T: Send, E: Send>(body: impl Stream<Item = Result<T, E>> + Send + 'static) {
    tokio::spawn(timeout(Duration::from_secs(1), async move {
        let mut body = Box::pin(body);
        while let Some(Ok(_)) = body.next().await {
            consume_budget().await;
        }
    }));
}

fn left(verifier: &Verifier, started: Instant) -> Duration {
    verifier.timeout().saturating_sub(started.elapsed())
}

/// Emits the log event and the metrics, once for each request, and answers.
fn answer(verifier: &Verifier, outcome: RequestOutcome<'_>, started: Instant) -> Response {
    verifier.record(outcome, started.elapsed(), SystemTime::now());
    response(outcome.reply())
}

/// A reply of core, unchanged.
pub(crate) fn response(reply: Reply) -> Response {
    let mut response = Response::builder();
    for (name, value) in reply.headers() {
        response = response.header(name, value);
    }
    let status = poem::http::StatusCode::from_u16(reply.status());
    response.status(status.unwrap_or(poem::http::StatusCode::INTERNAL_SERVER_ERROR)).body(reply.into_body())
}
