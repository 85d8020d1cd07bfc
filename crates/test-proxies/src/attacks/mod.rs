//! Attacks: what strangers and slow clients do to a site, and what may come of it.

mod connections;
mod expect;
mod heads;
mod large;
mod logs;
mod ordinary;
mod pauses;
mod private;
mod slow;
mod smuggling;

use std::pin::Pin;

use crate::counted::Counted;
use crate::genuine::Marketplace;
use crate::site::Site;

/// A site, and who sends to it.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) site: Site,
    /// The same proxy, in front of nothing.
    pub(crate) broken: Site,
    pub(crate) marketplace: Marketplace,
    /// The hook's path, with its token.
    pub(crate) hook: String,
}

type Counting<'a> = Pin<Box<dyn Future<Output = Vec<Counted>> + Send + 'a>>;

/// Something that is done to a site. It holds when all answers are allowed.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Scene) -> Counting<'_>,
}

/// One after the other, so that their effects on other requests can be attributed.
pub(crate) const IN_TURN: &[Attack] = &[
    Attack {
        name: "callbacks are acknowledged, however they are sent",
        run: |scene| Box::pin(ordinary::run(scene)),
    },
    Attack { name: "what is not public is not shown", run: |scene| Box::pin(private::run(scene)) },
    Attack { name: "a body that is too large is refused", run: |scene| Box::pin(large::run(scene)) },
    Attack { name: "a request in a refused body is not read", run: |scene| Box::pin(smuggling::run(scene)) },
    Attack { name: "`Expect` unsigned breaks no callback", run: |scene| Box::pin(expect::run(scene)) },
];

/// At the same time: they mostly wait.
pub(crate) const AT_ONCE: &[Attack] = &[
    Attack { name: "a slow body is answered in time", run: |scene| Box::pin(slow::run(scene)) },
    Attack { name: "a head that does not end is closed", run: |scene| Box::pin(heads::run(scene)) },
    Attack { name: "a callback after a pause is acknowledged", run: |scene| Box::pin(pauses::run(scene)) },
    Attack { name: "held connections keep no callback out", run: |scene| Box::pin(connections::run(scene)) },
];

/// After all others.
pub(crate) const LAST: Attack =
    Attack { name: "no log has the hook's path", run: |scene| Box::pin(logs::run(scene)) };

/// The routes that verify. The hook has a wrong token.
pub(crate) const ROUTES: [&str; 4] =
    ["/seismic", "/middleware/seismic", "/extractor/seismic", "/securityscorecard/hook/not-the-token"];

/// What a stranger is answered there, by the app or, of a large body, by the proxy.
pub(crate) const REFUSED: &[&str] = &["401", "404", "413"];

/// A body of empty lines, which are skipped before a request, and then one.
pub(crate) fn with_a_request_in_it(size: usize) -> String {
    let hidden = "GET /deliveries HTTP/1.1\r\nHost: app.example\r\n\r\n";
    let mut body = "\r\n".repeat((size - hidden.len()) / 2);
    body.push_str(hidden);
    body
}
