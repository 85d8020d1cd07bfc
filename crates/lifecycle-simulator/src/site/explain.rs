//! Explain: the command that looks for the cause where an app does not take what proves a request.

use std::net::SocketAddr;

use lifecycle_testing::variable;
use serde::Serialize;

use crate::delivery::Delivery;
use crate::platform::{Credential, Platform};

/// What a page offers to paste into a terminal.
#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    command: String,
    /// The variable that the app's own secret is taken from; `None` where a file holds the app's public key.
    variable: Option<String>,
}

/// The file that holds the public key.
const KEY_FILE: &str = "public-key.pem";

impl Explanation {
    /// For one delivery; `None` where nothing proves it.
    pub(super) fn of(delivery: &Delivery, platform: Platform, simulator: SocketAddr) -> Option<Self> {
        let (id, name) = (delivery.id, platform.name());
        let command =
            format!("lifecycle explain --platform {name} --delivery {id} --simulator http://{simulator}");
        Some(match platform.credential() {
            Credential::None => return None,
            Credential::Secret => {
                Self { command, variable: Some(variable(platform.core(), "SIGNING_SECRET")) }
            }
            Credential::Private | Credential::Published => {
                Self { command: format!("{command} --secret-file {KEY_FILE}"), variable: None }
            }
        })
    }
}
