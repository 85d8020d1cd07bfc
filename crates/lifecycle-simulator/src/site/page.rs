//! Page: templates, and the answers made of them.

use std::net::SocketAddr;

use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFRESH};
use axum::http::{HeaderName, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Redirect, Response};
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::Serialize;
use serde_json::json;

use super::Site;
use crate::bidi::{isolated, visible};
use crate::problem::Problem;
use crate::tenant::random_id;

const TEMPLATES: &[(&str, &str)] = &[
    ("api.html", include_str!("templates/api.html")),
    ("app.html", include_str!("templates/app.html")),
    ("base.html", include_str!("templates/base.html")),
    ("delivery.html", include_str!("templates/delivery.html")),
    ("forms.html", include_str!("templates/forms.html")),
    ("home.html", include_str!("templates/home.html")),
    ("installation.html", include_str!("templates/installation.html")),
    ("parts.html", include_str!("templates/parts.html")),
    ("problem.html", include_str!("templates/problem.html")),
    ("register.html", include_str!("templates/register.html")),
    ("scorecard.html", include_str!("templates/scorecard.html")),
    ("secret.html", include_str!("templates/secret.html")),
];

/// The templates; every value in them is escaped.
#[derive(Debug)]
pub(super) struct Pages(Environment<'static>);

impl Pages {
    pub(super) fn new(address: SocketAddr, form_token: &str) -> Self {
        let mut environment = Environment::new();
        for (name, source) in TEMPLATES {
            environment.add_template(name, source).expect("the templates of this crate parse");
        }
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::SemiStrict);
        environment.add_filter("isolated", |text: &str| isolated(text).into_owned());
        environment.add_filter("visible", |text: &str| visible(text));
        environment.add_global("address", address.to_string());
        environment.add_global("form_token", form_token);
        Self(environment)
    }

    fn render(&self, template: &str, values: &Value) -> Result<String, minijinja::Error> {
        self.0.get_template(template)?.render(values)
    }
}

/// A page, with other origins that its forms may lead to.
pub(super) fn render(site: &Site, template: &str, values: impl Serialize, leads_to: &[String]) -> Response {
    // Tells a form of this page that is sent twice from one of a later page.
    let page = random_id("");
    match site.pages.render(template, &context! { page_id => page, ..Value::from(Serde(values)) }) {
        Ok(html) => ([(CONTENT_SECURITY_POLICY, policy(leads_to))], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, template, "a page of the simulator cannot be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A page that comes back by itself while something is on its way. A header does it, since it can be left out, and no script is needed.
pub(super) fn refreshed(mut page: Response, is_waiting: bool) -> Response {
    if is_waiting {
        page.headers_mut().insert(REFRESH, HeaderValue::from_static("1"));
    }
    page
}

/// No script but the page's own, nothing from elsewhere, in no frame; forms go to the simulator and to these origins.
pub(super) fn policy(leads_to: &[String]) -> HeaderValue {
    let mut policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; \
        frame-ancestors 'none'; form-action 'self'"
            .to_owned();
    for origin in leads_to {
        policy.push(' ');
        policy.push_str(origin);
    }
    HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
}

/// After a form: go there by GET.
pub(super) fn go(to: &str) -> Response {
    Redirect::to(to).into_response()
}

/// A problem as a page.
#[derive(Debug)]
pub(super) struct Refusal(Box<Response>);

impl Refusal {
    /// A page of one's own that says what is wrong, such as the form that was sent.
    pub(super) fn with(problem: &Problem, page: Response) -> Self {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self(Box::new((status, page).into_response()))
    }

    pub(super) fn new(site: &Site, problem: &Problem) -> Self {
        let lines: Vec<&str> = problem.detail.lines().collect();
        let page = render(site, "problem.html", json!({"title": problem.title, "lines": lines}), &[]);
        Self::with(problem, page)
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        *refusal.0
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// Turns a problem into a page of this site.
pub(super) trait OrRefuse<T> {
    fn or_refuse(self, site: &Site) -> Result<T, Refusal>;
}

impl<T> OrRefuse<T> for Result<T, Problem> {
    fn or_refuse(self, site: &Site) -> Result<T, Refusal> {
        self.map_err(|problem| Refusal::new(site, &problem))
    }
}

/// A problem as RFC 9457 problem details.
pub(super) fn problem_json(problem: &Problem) -> Response {
    let reply = problem.reply();
    let status = StatusCode::from_u16(reply.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, reply.body().clone()).into_response();
    for (name, value) in reply.headers() {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// `GET /style.css`.
pub(super) async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("templates/style.css")).into_response()
}

/// `GET /page.js`.
pub(super) async fn script() -> Response {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("templates/page.js")).into_response()
}

/// `GET /favicon.svg`.
pub(super) async fn icon() -> Response {
    ([(CONTENT_TYPE, "image/svg+xml")], include_str!("templates/favicon.svg")).into_response()
}

/// Every other address.
pub(super) async fn missing(State(site): State<Site>, uri: Uri) -> Response {
    let problem = Problem::not_found("page");
    if uri.path().starts_with("/api/") {
        problem_json(&problem)
    } else {
        Refusal::new(&site, &problem).into()
    }
}
