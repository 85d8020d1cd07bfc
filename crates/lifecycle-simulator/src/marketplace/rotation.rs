//! Rotation: a new signing secret, and a window in which the previous one signs as well.

use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Marketplace;
use super::registration::{Registered, checked_secret};
use crate::app::App;
use crate::moment::Moment;
use crate::platform::{Credential, Platform};
use crate::problem::Problem;

/// The longest window: a week.
const LONGEST: u32 = 7 * 24 * 60;

/// A rotation that is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    /// How long the previous secret signs as well, in minutes.
    #[serde(default = "usual_window")]
    pub(crate) window_minutes: u32,
    /// The new secret; one is made if there is none.
    #[serde(default)]
    pub(crate) signing_secret: Option<Zeroizing<String>>,
}

impl Marketplace {
    /// Replaces the signing secret of an app.
    pub(crate) async fn rotate(&self, app: i64, rotation: Rotation) -> Result<Registered, Problem> {
        let app = self.app(app).await?;
        if !matches!(app.platform().credential(), Credential::Secret | Credential::Private) {
            return Err(Problem::invalid("platform", "on this platform there is no secret to rotate"));
        }
        if rotation.window_minutes > LONGEST {
            let detail = format!("the window must be 0 to {LONGEST} minutes");
            return Err(Problem::invalid("window", detail));
        }
        let given = rotation.signing_secret.filter(|secret| !secret.is_empty());
        let generated = given.is_none().then(Platform::new_secret);
        let secret = given.or_else(|| generated.clone()).unwrap_or_default();
        checked_secret(app.platform(), &secret).map_err(|reason| Problem::invalid("secret", reason))?;
        let until = Moment::now().after(Duration::from_secs(60 * u64::from(rotation.window_minutes)));
        let id = app.id;
        self.run(move |store| store.rotate(id, secret.as_bytes(), until)).await?;
        Ok(Registered { app: self.app(id).await?, generated })
    }

    /// Takes the secret that the app has in place of the one that signs, at once.
    pub(crate) async fn take_secret(&self, app: i64, secret: Zeroizing<String>) -> Result<(), Problem> {
        if secret.is_empty() {
            return Err(Problem::invalid("secret", "enter the secret that the app has"));
        }
        self.rotate(app, Rotation { window_minutes: 0, signing_secret: Some(secret) }).await.map(drop)
    }

    /// Whether this is the app's current secret already.
    pub(crate) async fn has_secret(&self, app: &App, secret: &str) -> Result<bool, Problem> {
        let current = self.signing_secrets(app).await?;
        // Digests are compared, so the time taken tells nothing about the secret.
        Ok(current
            .first()
            .is_some_and(|own| Sha256::digest(own.as_bytes()) == Sha256::digest(secret.as_bytes())))
    }

    /// Ends the window at once: the previous secret signs no more.
    pub(crate) async fn end_rotation(&self, app: i64) -> Result<(), Problem> {
        let app = self.app(app).await?;
        self.run(move |store| store.end_rotation(app.id)).await
    }
}

/// Half an hour.
fn usual_window() -> u32 {
    30
}
