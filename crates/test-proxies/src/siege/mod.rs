//! Siege: hostile HTTP/1.1 against the apps themselves and behind proxies, with callbacks among it. Nothing unsigned may be
//! acknowledged, nothing hidden in a request may be answered, and no callback may be late.

mod bodies;
mod entrance;
mod flood;
mod framing;
mod genuine;
mod heads;
mod held;
mod shape;
mod tokens;

use std::pin::Pin;
use std::time::Duration;

use futures_util::future::join_all;
use lifecycle_core::{Platform, Proof};
use lifecycle_testing::{RSA_OTHER_TEST_KEY, RSA_TEST_KEY, SigningKeys};
use tokio::time::Instant;

use crate::Failure;
use crate::certificate::Certificate;
use crate::counted::Counted;
use crate::genuine::Marketplace;
use crate::options::{App, Options};
use crate::proxies::PROXIES;
use crate::report::{Finding, Table};
use crate::site::Site;
use entrance::Entrance;

/// One app at one entrance, and what is known of it.
pub(crate) struct Target {
    entrance: Entrance,
    marketplace: Marketplace,
    /// Of those who do not know the platform's private key.
    forgers: SigningKeys,
    secret: String,
    /// The hook's.
    token: String,
    /// Whether it has all routes, and a server that closes what strangers hold.
    is_complete: bool,
    /// Idle connections at a time.
    idle: usize,
    /// How long a flood lasts.
    flood: Duration,
}

type Counting<'a> = Pin<Box<dyn Future<Output = Vec<Counted>> + Send + 'a>>;

/// What is done to a target.
struct Attack {
    name: &'static str,
    run: fn(&Target) -> Counting<'_>,
}

/// One after the other, each against all apps at the same time.
const AT_ONCE: [Attack; 5] = [
    Attack { name: "a request ends where it ends", run: |target| Box::pin(framing::run(target)) },
    Attack { name: "a head is one, and not too large", run: |target| Box::pin(heads::run(target)) },
    Attack { name: "nothing but its token opens a hook", run: |target| Box::pin(tokens::run(target)) },
    Attack { name: "a refused body is no request", run: |target| Box::pin(bodies::run(target)) },
    Attack { name: "held connections end", run: |target| Box::pin(held::run(target)) },
];

/// Against one app after the other: it takes all that the machine has.
const ALONE: Attack = Attack { name: "a flood is refused", run: |target| Box::pin(flood::run(target)) };

/// The apps that show no more than an adapter: without the framework's own extractors, and without limits for strangers.
const INCOMPLETE: [&str; 1] = ["poem"];

/// The proxies that are in front of the apps here; the others are attacked by `cargo xtask proxies`.
const IN_FRONT: [&str; 2] = ["nginx", "haproxy"];

/// How many findings held, and how many failed.
pub(crate) async fn run(options: &Options, flood: Duration) -> Result<(usize, usize), Failure> {
    let certificate = Certificate::new()?;
    let (mut passed, mut failed) = (0, 0);
    let mut places = Vec::new();
    let idle = idle_connections(options.apps.len())?;
    places.push(("direct", targets(options, flood, idle, |app| Ok(Entrance::Direct(app.address.parse()?)))?));
    for proxy in PROXIES.iter().filter(|proxy| IN_FRONT.contains(&proxy.name)) {
        let entrance =
            |app: &App| Ok(Entrance::Behind(Box::new(Site::start(proxy, &app.address, &certificate)?)));
        places.push((proxy.name, targets(options, flood, idle.min(200), entrance)?));
    }
    for (place, targets) in &places {
        let mut findings = Vec::new();
        for attack in &AT_ONCE {
            findings.extend(join_all(targets.iter().map(|(app, target)| finding(app, target, attack))).await);
        }
        for (app, target) in targets {
            findings.push(finding(app, target, &ALONE).await);
        }
        println!(
            "{}\n",
            Table { proxy: place, apps: &options.apps, findings: &findings, is_long: options.is_long }
        );
        passed += findings.iter().filter(|finding| finding.holds()).count();
        failed += findings.iter().filter(|finding| !finding.holds()).count();
    }
    Ok((passed, failed))
}

fn targets<'o>(
    options: &'o Options,
    flood: Duration,
    idle: usize,
    entrance: impl Fn(&App) -> Result<Entrance, Failure>,
) -> Result<Vec<(&'o App, Target)>, Failure> {
    let target = |app: &'o App| {
        let target = Target {
            entrance: entrance(app)?,
            marketplace: Marketplace::new(&options.secret)?,
            forgers: SigningKeys::parse(&lifecycle_core::forge::PLATFORM, RSA_OTHER_TEST_KEY)?,
            secret: options.secret.clone(),
            token: options.token.clone(),
            is_complete: !INCOMPLETE.contains(&&*app.name),
            idle,
            flood,
        };
        Ok((app, target))
    };
    options.apps.iter().map(target).collect()
}

impl Target {
    /// The platform's side of the keys that the app was started with.
    fn keys(&self, platform: &Platform) -> SigningKeys {
        let text = match platform.proof() {
            Proof::Token(_) if platform.proof().uses_rsa() => RSA_TEST_KEY,
            _ => &self.secret,
        };
        SigningKeys::parse(platform, text).expect("the app was started with it")
    }

    /// A genuine body, and its signature.
    fn signed(&self) -> (String, String) {
        let request = self.marketplace.callback("/seismic");
        let body: Vec<u8> = request.body.pieces.concat();
        (String::from_utf8_lossy(&body).into_owned(), request.signature.unwrap_or_default())
    }
}

async fn finding(app: &App, target: &Target, attack: &Attack) -> Finding {
    let started = Instant::now();
    let counted = (attack.run)(target).await;
    Finding { attack: attack.name, app: app.name.clone(), counted, took: started.elapsed() }
}

/// How many idle connections each app gets: thousands in all, where this process may have so many descriptors open.
fn idle_connections(apps: usize) -> Result<usize, Failure> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let limit =
        line.and_then(|rest| rest.split_whitespace().next()).ok_or("no limit of open files is told")?;
    let limit = limit.parse().unwrap_or(usize::MAX);
    Ok((limit.saturating_sub(2000) / apps.max(1)).clamp(20, 1000))
}
