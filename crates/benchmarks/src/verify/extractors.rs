//! Extractors: axum's way to a verified callback, in this process, without a socket or a router.

use std::convert::Infallible;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderValue, Response};
use lifecycle_core::{Delivery, seismic};
use lifecycle_tower::LifecycleLayer;
use lifecycle_tower::axum::Verified;
use tokio::task::unconstrained;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::Failure;
use crate::measure::interleave;
use crate::report::{Bound, Cell, Goal, Report, Table};

use super::callbacks::{self, Callback};
use super::contestant::{Judge, allocations, judge, sign_all};
use super::{Pace, by_hand, case, ours};

const NOTE: &str = "\
Callbacks in lines, of 383 bytes: the request is built, and what a handler takes is made of it. Ratios are to axum's own `Bytes`, \
which verifies nothing. Ours are `receive`, the function; `Verified`, the extractor, which also emits a log event; and `LifecycleLayer` \
with `Extension<Delivery>`, which also hands the request on, times the handler and records its answer.";

pub(super) fn measure(report: &mut Report, pace: Pace) -> Result<(), Failure> {
    let callbacks = callbacks::pretty();
    let mut routes = vec![
        ("`Bytes`, not verified", bare(&callbacks)),
        ("lifecycle-tower, `receive`", function(&callbacks)),
        ("lifecycle-tower, `Verified`", received(&callbacks)),
        ("lifecycle-tower, `Extension<Delivery>`", layer(&callbacks)),
    ];
    routes.extend(peers(&callbacks));

    let mut cases: Vec<_> = routes.iter().map(|(name, judge)| case(name, judge)).collect();
    let rounds = interleave(&mut cases, pace.rounds, pace.slice)?;
    #[expect(clippy::cast_precision_loss, reason = "a count of two digits")]
    let row = |(index, (name, judge)): (usize, &(&str, Judge))| {
        let allocations = Cell::Number(allocations(judge) as f64, "");
        vec![Cell::new(*name), Cell::Ratio(rounds.ratio(index, 0)), allocations]
    };
    report.table(Table {
        title: "Extractors".to_owned(),
        note: NOTE.to_owned(),
        headings: ["", "/ not verified", "allocations"].map(str::to_owned).to_vec(),
        rows: routes.iter().enumerate().map(row).collect(),
    });
    for (place, what) in [(1, "`receive`"), (2, "`Verified`")] {
        let measured = routes.get(4).map(|_| rounds.ratio(4, place).median);
        let alone = 100.0 / rounds.ratio(place, 0).median;
        let note = if measured.is_some() {
            format!(
                "Of our time, {alone:.0} % is what `Bytes` takes, too. On the Zen 4 that the bound is from, theirs took 13.4 times as long as `Bytes`."
            )
        } else {
            "built without the feature `peers`".to_owned()
        };
        report.goal(Goal {
            id: "G5",
            what: format!("{what}, times faster than axum-github-webhook-extract"),
            bound: Bound::AtLeast(3.0),
            measured,
            note,
        });
    }
    Ok(())
}

fn bare(callbacks: &[Callback]) -> Judge {
    extractor(callbacks, seismic::SIGNATURE, "", |request| {
        black_box(at_once(Bytes::from_request(request, &()))).is_ok()
    })
}

fn function(callbacks: &[Callback]) -> Judge {
    let verifier = ours::verifier(ours::secrets());
    extractor(callbacks, seismic::SIGNATURE, "", move |request| {
        black_box(at_once(lifecycle_tower::receive(&verifier, request))).is_ok()
    })
}

fn received(callbacks: &[Callback]) -> Judge {
    let verifier = ours::verifier(ours::secrets());
    extractor(callbacks, seismic::SIGNATURE, "", move |request| {
        black_box(at_once(Verified::from_request(request, &verifier))).is_ok()
    })
}

fn layer(callbacks: &[Callback]) -> Judge {
    let handler = async |request: Request| {
        black_box(request.extensions().get::<Delivery>().cloned());
        Ok::<_, Infallible>(Response::builder().status(202).body(()).expect("its parts are valid"))
    };
    let service = LifecycleLayer::new(ours::verifier(ours::secrets())).layer(service_fn(handler));
    extractor(callbacks, seismic::SIGNATURE, "", move |request| {
        at_once(service.clone().oneshot(request)).is_ok_and(|answer| answer.status() == 202)
    })
}

#[cfg(feature = "peers")]
fn peers(callbacks: &[Callback]) -> Vec<(&'static str, Judge)> {
    vec![("axum-github-webhook-extract, `GithubEvent`", github(callbacks))]
}

#[cfg(not(feature = "peers"))]
fn peers(_: &[Callback]) -> Vec<(&'static str, Judge)> {
    Vec::new()
}

#[cfg(feature = "peers")]
fn github(callbacks: &[Callback]) -> Judge {
    use axum_github_webhook_extract::{GithubEvent, GithubToken};
    use owned::Owned;

    let token = GithubToken(std::sync::Arc::new(callbacks::SECRET.to_owned()));
    extractor(callbacks, "x-hub-signature-256", "sha256=", move |request| {
        black_box(at_once(GithubEvent::<Owned>::from_request(request, &token))).is_ok()
    })
}

/// Requests with the callbacks, signed in a header of this name, one after another.
fn extractor(
    callbacks: &[Callback],
    header: &'static str,
    prefix: &str,
    accepts: impl Fn(Request) -> bool + 'static,
) -> Judge {
    let sign =
        |body: &[u8]| HeaderValue::try_from(format!("{prefix}{}", by_hand::sign(body))).expect("it is ASCII");
    judge(sign_all(callbacks, sign), move |signature: &HeaderValue, body: &Bytes| {
        let request = Request::post("/")
            .header("content-type", "application/json; charset=utf-8")
            .header("content-length", body.len())
            .header(header, signature)
            .body(Body::from(body.clone()));
        accepts(request.expect("its parts are valid"))
    })
}

/// The output of a future that has nothing to wait for: the whole body is there. Unconstrained, as one task runs all of them,
/// and has a budget.
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(unconstrained(future)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::contestant::assert_it_judges;
    use super::*;

    #[tokio::test] // what is refused is read on by a task
    async fn each_extractor_takes_what_is_genuine_and_nothing_else() {
        assert_it_judges("ours, the function", function);
        assert_it_judges("ours, the extractor", received);
        assert_it_judges("ours, the layer", layer);
        #[cfg(feature = "peers")]
        assert_it_judges("axum-github-webhook-extract", github);
    }
}
