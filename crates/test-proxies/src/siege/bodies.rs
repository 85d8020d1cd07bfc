//! Bodies: requests that are refused before their end. The rest must not be read as requests, and whoever still sends has to
//! get the answer.

use super::Target;
use super::shape::{Shape, post, send_all};
use crate::attacks::{ROUTES, with_a_request_in_it};
use crate::counted::Counted;

/// Below and above what an app takes.
const SIZES: [usize; 2] = [200_000, 900_000];

pub(crate) async fn run(target: &Target) -> Vec<Counted> {
    vec![
        send_all(target, "a request in a refused body", hidden(target)).await,
        send_all(target, "`Expect` that is refused", expecting(target)).await,
    ]
}

fn hidden(target: &Target) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for route in routes(target) {
        for size in SIZES {
            let body = with_a_request_in_it(size);
            let length = format!("Content-Length: {}\r\n", body.len());
            let forged = format!("X-Seismic-Signature: {}\r\n{length}", "5".repeat(64));
            let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
            for (name, head, body) in [
                ("unsigned", &length, &body),
                ("forged", &forged, &body),
                ("unsigned, chunked", &"Transfer-Encoding: chunked\r\n".to_owned(), &chunked),
            ] {
                shapes.push(Shape::of_stranger(
                    format!("{route}, {size} bytes, {name}"),
                    post(route, head, body),
                ));
            }
        }
    }
    shapes
}

/// Sent without waiting for `100 Continue`, as some clients do.
fn expecting(target: &Target) -> Vec<Shape> {
    let body = with_a_request_in_it(500);
    routes(target)
        .flat_map(|route| {
            ["100-continue", "100-Continue", "200-ok", "100-continue, x"].map(|expected| {
                let head = format!("Expect: {expected}\r\nContent-Length: {}\r\n", body.len());
                Shape::of_stranger(format!("{route}, Expect: {expected}"), post(route, &head, &body))
            })
        })
        .collect()
}

/// The routes that verify. Where a framework has no adapter of ours, its own extractors are none.
fn routes(target: &Target) -> impl Iterator<Item = &'static str> + use<> {
    let is_complete = target.is_complete;
    ROUTES.into_iter().filter(move |route| is_complete || !route.starts_with("/extractor/"))
}
