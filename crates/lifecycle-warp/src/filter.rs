//! Filter: the verify face that gives a route the delivery and leaves the rest to it.

use lifecycle_core::{Delivery, Receiver, Rejection};
use warp::reply::Response;
use warp::{Filter, Rejection as Reject};

use crate::receive::{Request, request};
use crate::response::response;

/// Extracts a callback that is verified, and rejects with [`Refused`] what is not.
///
/// The request's body is read here; the route has it as [`Delivery::body`]. Put [`recover`] on the same route: what
/// is refused then gets its answer there and falls through to no other route. Without any `recover`, warp answers
/// 500.
///
/// The budget holds for the body alone: a filter cannot time what comes after it, nor log what that answers. Where
/// the platform waits for the answer, [`verify`](crate::verify()) does both.
///
/// ```
/// use lifecycle_core::{Delivery, Receiver, Secret, seismic};
/// use lifecycle_warp::{recover, verified};
/// use warp::{Filter, http::StatusCode};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let receiver = Receiver::new(&seismic::PLATFORM, Secret::new("s3cr3t").unwrap());
/// let route = warp::path!("seismic")
///     .and(verified(receiver))
///     .map(|delivery: Delivery| {
///         println!("{} for {}", delivery.event().kind(), delivery.event().tenant());
///         StatusCode::ACCEPTED
///     })
///     .recover(recover);
///
/// let answer = warp::test::request().method("POST").path("/seismic").reply(&route).await;
/// assert_eq!(answer.status(), 401);
/// # });
/// ```
pub fn verified(receiver: Receiver) -> impl Filter<Extract = (Delivery,), Error = Reject> + Clone {
    request().and_then(move |request| admit(receiver.clone(), request))
}

async fn admit(receiver: Receiver, mut request: Request) -> Result<Delivery, Reject> {
    request.receive(&receiver).await.map_err(|rejection| {
        receiver.answer(Err(&rejection), request.elapsed()); // logged here, where the time is known
        warp::reject::custom(Refused(rejection))
    })
}

/// Why [`verified`] rejected a request. It is logged by then; [`recover`] makes the answer of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused(pub Rejection);

impl warp::reject::Reject for Refused {}

/// Answers what [`verified`] refused, in the bytes that every adapter answers, and passes other rejections on.
///
/// For [`Filter::recover`]. An app that has a `recover` of its own can look for [`Refused`] there, or call this first.
///
/// # Errors
/// The rejection itself when it is not a [`Refused`].
pub async fn recover(rejection: Reject) -> Result<Response, Reject> {
    match rejection.find::<Refused>() {
        Some(Refused(reason)) => Ok(response(reason.reply())),
        None => Err(rejection),
    }
}
