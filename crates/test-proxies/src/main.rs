//! Real reverse proxies in front of the example apps: attacks that must not succeed, and callbacks that must.
//!
//! `cargo xtask proxies` and `cargo xtask siege` start the apps and run this. The proxies run by the very files of docs/guide/proxies.

mod answer;
mod attacks;
mod certificate;
mod client;
mod counted;
mod genuine;
mod http1;
mod http2;
mod options;
mod place;
mod proxies;
mod report;
mod request;
mod running;
mod siege;
mod site;

use std::process::ExitCode;

use futures_util::future::join_all;
use tokio::time::Instant;

use attacks::{AT_ONCE, Attack, IN_TURN, LAST, Scene};
use certificate::Certificate;
use genuine::Marketplace;
use options::{App, Options};
use proxies::{PROXIES, Proxy};
use report::{Finding, Table};
use site::Site;

/// What ends the run early; printed as one line.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(2)
        }
    }
}

/// Where no app listens.
const NOWHERE: &str = "127.0.0.1:1";

/// How many findings failed.
async fn run() -> Result<usize, Failure> {
    let options = Options::parse()?;
    if let Some(flood) = options.siege {
        let (passed, failed) = siege::run(&options, flood).await?;
        println!("{passed} passed, {failed} failed");
        return Ok(failed);
    }
    let certificate = Certificate::new()?;
    let (mut passed, mut failed) = (0, 0);
    for proxy in PROXIES.iter().filter(|proxy| options.proxy.as_deref().is_none_or(|name| name == proxy.name))
    {
        let findings = attack(proxy, &options, &certificate).await?;
        let table =
            Table { proxy: proxy.name, apps: &options.apps, findings: &findings, is_long: options.is_long };
        println!("{table}\n");
        passed += findings.iter().filter(|finding| finding.holds()).count();
        failed += findings.iter().filter(|finding| !finding.holds()).count();
    }
    if passed + failed == 0 {
        return Err("no proxy has this name".into());
    }
    println!("{passed} passed, {failed} failed");
    Ok(failed)
}

/// All attacks, in front of all apps at the same time.
async fn attack(
    proxy: &'static Proxy,
    options: &Options,
    certificate: &Certificate,
) -> Result<Vec<Finding>, Failure> {
    let scenes: Vec<(&App, Scene)> = options
        .apps
        .iter()
        .map(|app| {
            let site = Site::start(proxy, &app.address, certificate)?;
            let broken = Site::start(proxy, NOWHERE, certificate)?;
            let marketplace = Marketplace::new(&options.secret)?;
            let hook = format!("/securityscorecard/hook/{}", options.token);
            Ok((app, Scene { site, broken, marketplace, hook }))
        })
        .collect::<Result<_, Failure>>()?;
    let findings = join_all(scenes.iter().map(async |(app, scene)| {
        let mut findings = Vec::new();
        for attack in IN_TURN {
            findings.push(finding(app, scene, attack).await);
        }
        findings.extend(join_all(AT_ONCE.iter().map(|attack| finding(app, scene, attack))).await);
        findings.push(finding(app, scene, &LAST).await);
        findings
    }))
    .await;
    for (app, scene) in scenes.iter().filter(|(_, scene)| scene.site.crashes() > 0) {
        println!(
            "{} in front of {} crashed {} times by a known bug of its own",
            proxy.name,
            app.name,
            scene.site.crashes()
        );
    }
    Ok(findings.into_iter().flatten().collect())
}

async fn finding(app: &App, scene: &Scene, attack: &Attack) -> Finding {
    let started = Instant::now();
    let counted = (attack.run)(scene).await;
    Finding { attack: attack.name, app: app.name.clone(), counted, took: started.elapsed() }
}
