//! Operations: what is asked of an engine, and of which handle to it.

use std::time::Duration;

use lifecycle_core::{Change, Delivery, Observation, TenantKey, seismic, slack};
use lifecycle_inbox::{DeliveryId, DeliveryState, Platforms, Record, Timestamp};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// One step: an operation by one of two handles.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) handle: usize,
    pub(crate) operation: Operation,
}

/// What is asked. `back` counts from the last: of deliveries that were accepted, or of tokens that were given.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Accept(Event),
    Claim {
        platforms: &'static [&'static str],
        lease: Duration,
        limit: usize,
    },
    Compare {
        state: Option<DeliveryState>,
        tenant: Option<usize>,
        after: Option<Index>,
        limit: usize,
    },
    Complete(Token),
    Delete {
        back: usize,
    },
    DeleteSecrets {
        tenant: usize,
        name: Option<&'static str>,
    },
    Die {
        token: Token,
        folds: bool,
    },
    Fail {
        token: Token,
        wait: Duration,
    },
    PassTime {
        seconds: i64,
    },
    Prune {
        ages: [Duration; 3],
        limit: usize,
    },
    PutSecret {
        tenant: usize,
        name: &'static str,
        sealed: u8,
    },
    Release(Token),
    Renew {
        tokens: Vec<Token>,
        lease: Duration,
    },
    /// Ends the handle and opens another one, as a process does that starts again.
    Reopen,
    ReplaceSecret {
        tenant: usize,
        name: &'static str,
        old: u8,
        sealed: u8,
    },
    Retry {
        back: usize,
    },
}

/// A token that was given, or one that nobody was given, with another fence.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) back: usize,
    pub(crate) forged_by: i64,
}

/// An event of a tenant. One of the same number is the same event.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    tenant: usize,
    kind: &'static str,
    number: u8,
    sent: Sent,
    /// How long ago it was received.
    received: Duration,
}

/// What the platform says of when it sent an event.
#[derive(Clone, Debug)]
enum Sent {
    Ago(Duration),
    At(&'static str),
    Untold,
}

/// Of platform, app and tenant; a worker need not know the first platform.
const TENANTS: [(&str, &str, &str); 5] = [
    ("other", "app", "a"),
    ("seismic", "app", "a"),
    ("seismic", "app", "b\0'\"é"),
    ("seismic", "app2", "a"),
    ("slack", "app", "a"),
];
/// All, and those that some workers know.
pub(crate) const PLATFORMS: [&[&str]; 4] =
    [&["other", "seismic", "slack"], &["seismic"], &["seismic", "slack"], &["other"]];
const KINDS: [&str; 6] = ["install", "enable", "upgrade", "disable", "uninstall", "celebrate"];
const NAMES: [&str; 2] = ["api-key", "token"];
/// Times that clocks tell who are wrong, and one that nobody can compare.
const BROKEN: [&str; 4] =
    ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "2023-11-14T22:13:20"];

pub(crate) fn tenant(nth: usize) -> TenantKey {
    let (platform, app, tenant) = TENANTS[nth];
    TenantKey::new(platform, app, tenant)
}

pub(crate) fn tenants() -> impl Iterator<Item = TenantKey> {
    (0..TENANTS.len()).map(tenant)
}

impl Event {
    pub(crate) fn record(&self, now: Timestamp) -> Record {
        let tenant = tenant(self.tenant);
        let mut record = Record::from(&self.delivery(&tenant, now));
        record.tenant = tenant;
        record
    }

    fn delivery(&self, tenant: &TenantKey, now: Timestamp) -> Delivery {
        let received = (now - self.received).into();
        if tenant.platform == slack::PLATFORM.name() {
            return self.observed(tenant, received);
        }
        let mut body = serde_json::json!({
            "type": self.kind, "appId": tenant.app, "tenantId": tenant.tenant, "requestId": self.number.to_string(),
            "userId": format!("user {}", self.number), "appVersion": format!("1.{}", self.number),
        });
        if let Some(sent) = self.sent(now) {
            body["timestamp"] = sent.into();
        }
        lifecycle_testing::delivery_at(&seismic::PLATFORM, &body.to_string(), received)
    }

    /// An install or uninstall that the app has seen itself; each installation has its id.
    fn observed(&self, tenant: &TenantKey, received: std::time::SystemTime) -> Delivery {
        let observe = match self.kind {
            "install" | "enable" | "upgrade" => Observation::install,
            _ => Observation::uninstall,
        };
        let observed = observe(&slack::PLATFORM, tenant.app.clone(), tenant.tenant.clone(), received);
        Delivery::observed(&observed.id(format!("i{}", self.number / 2)), received)
    }

    fn sent(&self, now: Timestamp) -> Option<String> {
        match self.sent {
            Sent::Ago(time) => Some(text(now - time)),
            Sent::At(text) => Some(text.to_owned()),
            Sent::Untold => None,
        }
    }
}

/// RFC 3339 to the second, near the day on which all sequences begin.
fn text(time: Timestamp) -> String {
    let seconds = time.as_millis().div_euclid(1_000) - 1_699_920_000; // 2023-11-14T00:00:00Z
    let (day, second) = (14 + seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let day = day.clamp(1, 30);
    format!("2023-11-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

/// What a delivery changes. Those of the first platform are made of another one's.
pub(crate) fn change(record: &Record, id: DeliveryId) -> Change {
    let mut record = record.clone();
    if record.tenant.platform == "other" {
        "seismic".clone_into(&mut record.tenant.platform);
    }
    Change::new(&record.restore(&Platforms::default()).expect("a stored delivery"), id.0)
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    (0..2usize, operation()).prop_map(|(handle, operation)| Step { handle, operation })
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        30 => event().prop_map(Operation::Accept),
        25 => (select(&PLATFORMS[..]), seconds(1..100), limit())
            .prop_map(|(platforms, lease, limit)| Operation::Claim { platforms, lease, limit }),
        15 => token().prop_map(Operation::Complete),
        8 => (token(), seconds(0..100)).prop_map(|(token, wait)| Operation::Fail { token, wait }),
        6 => (token(), any::<bool>()).prop_map(|(token, folds)| Operation::Die { token, folds }),
        3 => token().prop_map(Operation::Release),
        4 => (proptest::collection::vec(token(), 0..4), seconds(1..100))
            .prop_map(|(tokens, lease)| Operation::Renew { tokens, lease }),
        8 => back().prop_map(|back| Operation::Retry { back }),
        2 => back().prop_map(|back| Operation::Delete { back }),
        2 => (proptest::array::uniform3(seconds(0..600)), limit())
            .prop_map(|(ages, limit)| Operation::Prune { ages, limit }),
        8 => prop_oneof![4 => 0..60i64, 1 => -300..0i64, 1 => 60..6_000i64]
            .prop_map(|seconds| Operation::PassTime { seconds }),
        3 => compare(),
        1 => Just(Operation::Reopen),
        4 => secrets(),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let sent = prop_oneof![
        3 => Just(Sent::Untold),
        3 => seconds(0..200).prop_map(Sent::Ago),
        1 => select(&BROKEN[..]).prop_map(Sent::At),
    ];
    // Mostly of one, or its deliveries would seldom meet.
    let tenant = prop_oneof![3 => Just(1), 1 => 0..TENANTS.len()];
    (tenant, select(&KINDS[..]), 0..40u8, sent, seconds(0..100))
        .prop_map(|(tenant, kind, number, sent, received)| Event { tenant, kind, number, sent, received })
}

fn token() -> impl Strategy<Value = Token> {
    let forged_by = prop_oneof![18 => Just(0), 1 => Just(1), 1 => Just(-1)];
    (back(), forged_by).prop_map(|(back, forged_by)| Token { back, forged_by })
}

/// Mostly of late.
fn back() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0..4usize, 1 => 0..30usize]
}

fn limit() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 0..4usize, 1 => Just(usize::MAX)]
}

fn compare() -> impl Strategy<Value = Operation> {
    let state = proptest::option::of(select(&DeliveryState::ALL[..]));
    let (tenant, after) = (proptest::option::of(0..TENANTS.len()), proptest::option::of(any::<Index>()));
    (state, tenant, after, limit()).prop_map(|(state, tenant, after, limit)| Operation::Compare {
        state,
        tenant,
        after,
        limit,
    })
}

fn secrets() -> impl Strategy<Value = Operation> {
    let (tenant, name) = (0..TENANTS.len(), select(&NAMES[..]));
    let place = (tenant, name);
    prop_oneof![
        2 => (place.clone(), 0..3u8)
            .prop_map(|((tenant, name), sealed)| Operation::PutSecret { tenant, name, sealed }),
        2 => (place.clone(), 0..3u8, 0..3u8).prop_map(|((tenant, name), old, sealed)| {
            Operation::ReplaceSecret { tenant, name, old, sealed }
        }),
        1 => (place, any::<bool>()).prop_map(|((tenant, name), is_one)| Operation::DeleteSecrets {
            tenant,
            name: is_one.then_some(name),
        }),
    ]
}

fn seconds(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_secs)
}
