//! Simulated: a delivery of a running simulator, as its API gives it.

use std::time::Duration;

use crate::client::parse_url;
use crate::failure::Failure;

/// How long the simulator may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The JSON of the delivery with this number.
pub(crate) fn delivery(simulator: &str, id: u64) -> Result<String, Failure> {
    let url = parse_url(simulator)?.join(&format!("/api/deliveries/{id}"));
    let url = url.map_err(|error| Failure::new(format!("--simulator is no URL: {error}"), "see --help"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|error| Failure::new(format!("no thread to work with: {error}"), "free some resources"))?;
    // `Err` means that there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    runtime.block_on(async {
        let unreachable = |error: reqwest::Error| {
            let why = if error.is_timeout() { "it does not answer" } else { "nothing answers there" };
            Failure::new(
                format!("the simulator at {simulator} cannot be asked: {why}"),
                "start it by `lifecycle simulate`, or say where it is by --simulator URL",
            )
        };
        // It listens on this machine alone.
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().map_err(unreachable)?;
        let answer = http.get(url).send().await.map_err(unreachable)?;
        match answer.status().as_u16() {
            200 => answer.text().await.map_err(unreachable),
            404 => Err(Failure::new(
                format!("the simulator has no delivery {id}"),
                "its page and its lines in the terminal have the numbers",
            )),
            status => Err(Failure::new(
                format!("what answers at {simulator} is no simulator: {status}"),
                "say where it is by --simulator URL",
            )),
        }
    })
}
