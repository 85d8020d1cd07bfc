//! Route: the name of a request's route, for a log of requests.

/// The routes whose paths end in a token.
const WITH_TOKEN: [&str; 2] = ["/securityscorecard/hook/", "/securityscorecard/manifest/"];

const OTHERS: [&str; 34] = [
    "/azure",
    "/bigcommerce/load",
    "/bigcommerce/remove_user",
    "/bigcommerce/uninstall",
    "/deliveries",
    "/discord",
    "/extractor/seismic",
    "/routes",
    "/saleor",
    "/features",
    "/forge",
    "/github",
    "/healthz",
    "/inbox",
    "/installations",
    "/linear",
    "/monday",
    "/securityscorecard/actions/notify_channel",
    "/securityscorecard/connect",
    "/securityscorecard/hook",
    "/securityscorecard/install",
    "/seismic",
    "/seismic/disable",
    "/seismic/enable",
    "/seismic/install",
    "/seismic/uninstall",
    "/seismic/upgrade",
    "/shopify",
    "/slack",
    "/standard-webhooks",
    "/stripe",
    "/wix",
    "/zoom",
    "/middleware/seismic",
];

/// The name of the route that a path belongs to, where the framework does not name it; `-` for all others.
/// So no token gets into a log, not even that of a URL with a slip of the pen elsewhere.
pub fn route_name(path: &str) -> &'static str {
    let own = WITH_TOKEN.into_iter().find(|before| path.starts_with(before));
    own.or_else(|| OTHERS.into_iter().find(|own| *own == path)).unwrap_or("-")
}
