//! Extractors: a callback through an axum route, in this process and without a socket.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request, StatusCode};
use axum::routing::post;
use lifecycle_core::seismic;
use lifecycle_tower::LifecycleLayer;
use lifecycle_tower::axum::Verified;
use tower::ServiceExt as _;

use crate::Failure;
use crate::measure::interleave;
use crate::report::{Bound, Cell, Goal, Report, Table};

use super::callbacks::{self, Callback};
use super::contestant::{Judge, allocations, judge, sign_all};
use super::{Pace, by_hand, case, ours};

const NOTE: &str = "\
Callbacks in lines, of 383 bytes, from the building of the request to the end of its answer, 202. Ratios are to a route that \
takes the body as `Bytes` and verifies nothing.";

pub(super) fn measure(report: &mut Report, pace: Pace) -> Result<(), Failure> {
    let callbacks = callbacks::pretty();
    let mut routes =
        vec![("`Bytes`, not verified", bare(&callbacks)), ("`LifecycleLayer`, `Verified`", ours(&callbacks))];
    #[cfg(feature = "peers")]
    routes.push(("axum-github-webhook-extract, `GithubEvent`", github(&callbacks)));

    let mut cases: Vec<_> = routes.iter().map(|(name, judge)| case(name, judge)).collect();
    let rounds = interleave(&mut cases, pace.rounds, pace.slice)?;
    #[expect(clippy::cast_precision_loss, reason = "a count of two digits")]
    let row = |(index, (name, judge)): (usize, &(&str, Judge))| {
        let allocations = Cell::Number(allocations(judge) as f64, "");
        vec![Cell::new(*name), Cell::Ratio(rounds.ratio(index, 0)), allocations]
    };
    report.table(Table {
        title: "In an axum route".to_owned(),
        note: NOTE.to_owned(),
        headings: ["", "/ not verified", "allocations"].map(str::to_owned).to_vec(),
        rows: routes.iter().enumerate().map(row).collect(),
    });
    let measured = routes.get(2).map(|_| rounds.ratio(2, 1).median);
    report.goal(Goal {
        id: "G5",
        what: "a verified axum route, times faster than axum-github-webhook-extract".to_owned(),
        bound: Bound::AtLeast(3.0),
        measured,
        note: if measured.is_some() { "" } else { "built without the feature `peers`" }.to_owned(),
    });
    Ok(())
}

fn bare(callbacks: &[Callback]) -> Judge {
    let take = async |body: Bytes| {
        black_box(body);
        StatusCode::ACCEPTED
    };
    through(Router::new().route("/", post(take)), callbacks, seismic::SIGNATURE, "")
}

fn ours(callbacks: &[Callback]) -> Judge {
    let take = async |Verified(delivery): Verified| {
        black_box(delivery);
        StatusCode::ACCEPTED
    };
    let layer = LifecycleLayer::new(ours::receiver(&seismic::PLATFORM, ours::secrets()));
    through(Router::new().route("/", post(take).layer(layer)), callbacks, seismic::SIGNATURE, "")
}

#[cfg(feature = "peers")]
fn github(callbacks: &[Callback]) -> Judge {
    use super::contestant::Owned;
    use axum_github_webhook_extract::{GithubEvent, GithubToken};

    let take = async |GithubEvent(event): GithubEvent<Owned>| {
        black_box(event);
        StatusCode::ACCEPTED
    };
    let token = GithubToken(std::sync::Arc::new(callbacks::SECRET.to_owned()));
    let router = Router::new().route("/", post(take)).with_state(token);
    through(router, callbacks, "x-hub-signature-256", "sha256=")
}

/// Sends callbacks through a router, signed in a header of this name; says whether the answer is 202.
fn through(router: Router, callbacks: &[Callback], header: &'static str, prefix: &str) -> Judge {
    let sign =
        |body: &[u8]| HeaderValue::try_from(format!("{prefix}{}", by_hand::sign(body))).expect("it is ASCII");
    judge(sign_all(callbacks, sign), move |signature: &HeaderValue, body: &Bytes| {
        let request = Request::post("/")
            .header("content-type", "application/json; charset=utf-8")
            .header("content-length", body.len())
            .header(header, signature)
            .body(Body::from(body.clone()))
            .expect("its parts are valid");
        at_once(router.clone().oneshot(request)).is_ok_and(|answer| answer.status() == StatusCode::ACCEPTED)
    })
}

/// The output of a future that has nothing to wait for: the whole body is there.
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a route without I/O waits"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::contestant::assert_it_judges;
    use super::*;

    #[tokio::test] // what is refused is read on by a task
    async fn each_route_takes_what_is_genuine_and_nothing_else() {
        assert_it_judges("ours", ours);
        #[cfg(feature = "peers")]
        assert_it_judges("axum-github-webhook-extract", github);
    }
}
