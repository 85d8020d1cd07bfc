//! A value of each public type, with the canary in every place for a text that may be secret or personal. Names, which are
//! there to be read (of secrets, keys, kinds, versions, workers), stay as they are.

mod adapters;
mod core;
mod inbox;
mod install;
mod keys;
mod testing;
mod tools;

use std::any::type_name;
use std::error::Error;
use std::fmt::{self, Debug, Display};

use lifecycle_core::{Delivery, seismic};
use test_privacy::CANARY;

/// What a value shows of itself.
pub(crate) struct Shown {
    name: &'static str,
    pub(crate) texts: Vec<String>,
}

impl Shown {
    /// The type's path without what it is generic over.
    pub(crate) fn path(&self) -> String {
        self.name.split('<').next().unwrap_or_default().to_owned()
    }
}

pub(crate) async fn all() -> Vec<Shown> {
    let mut all = core::values();
    all.extend(install::values());
    all.extend(inbox::values().await);
    all.extend(adapters::values());
    all.extend(keys::values());
    all.extend(testing::values());
    all.extend(tools::values().await);
    all
}

fn debug<T: Debug>(value: &T) -> Shown {
    Shown { name: type_name::<T>(), texts: vec![format!("{value:?}"), format!("{value:#?}")] }
}

/// Also what it says.
fn display<T: Debug + Display>(value: &T) -> Shown {
    let mut shown = debug(value);
    shown.texts.push(value.to_string());
    shown
}

/// A delivery of which all but the names is the canary.
fn delivery() -> Delivery {
    let body = serde_json::json!({
        "type": "install", "appId": CANARY, "tenantId": CANARY, "userId": CANARY, "userEmail": format!("{CANARY}@mail.example"),
        "requestId": CANARY, "unknown": [CANARY],
    });
    lifecycle_testing::delivery(&seismic::PLATFORM, &body.to_string())
}

/// What a database says of a value that is there already; its `Debug` says more.
#[derive(Debug)]
struct Taken(#[expect(dead_code, reason = "for `Debug`")] &'static str);

impl Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "duplicate key\nDETAIL: Key (email)=({CANARY}) already exists.")
    }
}

impl Error for Taken {}
