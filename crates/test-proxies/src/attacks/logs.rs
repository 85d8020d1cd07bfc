//! The hook's path is a secret, as its token is in it. No log may have it, not even about a request that fails, because it is
//! too large or because no app is there.

use std::time::Duration;

use tokio::time::Instant;

use super::Scene;
use crate::answer::in_words;
use crate::client::send;
use crate::counted::Counted;
use crate::request::Request;
use crate::site::FRIEND;

const CLEAN: &str = "without the path";

pub(super) async fn run(Scene { site, broken, hook, .. }: &Scene) -> Vec<Counted> {
    let mut failed = Counted::new("hook, without an app", &["502", "503", "504"]);
    for &front in site.proxy.fronts {
        let asked = Instant::now();
        let answer = send(broken, front, FRIEND, &Request::new(hook, "{}")).await;
        failed.add(in_words(&answer), asked.elapsed());
    }
    let mut logs = Counted::new("logs", &[CLEAN]);
    let token = hook.rsplit('/').next().unwrap_or_default();
    for (file, log) in site.logs().into_iter().chain(broken.logs()) {
        let line = log.lines().find(|line| line.contains("/hook/") || line.contains(token));
        logs.add(line.map_or(CLEAN.to_owned(), |line| format!("{file}: {line}")), Duration::ZERO);
    }
    vec![failed, logs]
}
