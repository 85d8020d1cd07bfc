//! Explain: the commands that look for the cause where an app does not take what proves a request.

use std::net::SocketAddr;

use lifecycle_core::TokenPlace;
use lifecycle_testing::variable;
use serde::Serialize;

use crate::delivery::Delivery;
use crate::platform::{Credential, Platform};

/// What a page offers to paste into a terminal.
#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    /// The commands, one a line.
    commands: String,
    /// The variable that the app's own secret is taken from; `None` where a file holds the app's public key.
    variable: Option<String>,
}

/// The file that holds the public key.
const KEY_FILE: &str = "public-key.pem";

impl Explanation {
    /// For one delivery; `None` where nothing proves it.
    pub(super) fn of(delivery: &Delivery, platform: Platform, simulator: SocketAddr) -> Option<Self> {
        let id = delivery.id;
        let (address, option, file) = match platform.token_place() {
            // It has no headers that tell anything.
            Some(TokenPlace::Body) => {
                (format!("deliveries/{id}/body"), "--body", format!("delivery-{id}.body"))
            }
            _ => (format!("api/deliveries/{id}"), "--headers", format!("delivery-{id}.json")),
        };
        let saved = format!("curl -so {file} http://{simulator}/{address}");
        let request = format!("--platform {} {option} {file}", platform.name());
        match platform.credential() {
            Credential::None => None,
            Credential::Secret => {
                let commands = match token(&delivery.request.url, platform) {
                    Some(token) => {
                        format!("lifecycle explain --platform {} --signature {token}", platform.name())
                    }
                    None => format!("{saved}\nlifecycle explain {request}"),
                };
                let variable = Some(variable(platform.core(), "SIGNING_SECRET"));
                Some(Self { commands, variable })
            }
            Credential::Private | Credential::Published => {
                let commands = format!("{saved}\nlifecycle verify {request} --secret-file {KEY_FILE}");
                Some(Self { commands, variable: None })
            }
        }
    }
}

/// The token in the URL, which is all that there is; `None` where the headers or the body have it. It has no character that a
/// shell reads otherwise.
fn token(url: &str, platform: Platform) -> Option<String> {
    let Some(TokenPlace::Query(name)) = platform.token_place() else { return None };
    let (_, query) = url.split_once('?')?;
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    parameters.find(|(own, _)| own == name).map(|(_, token)| token.into_owned())
}
