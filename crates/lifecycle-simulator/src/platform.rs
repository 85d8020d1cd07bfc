//! Platform: whose marketplace an app or a tenant is in, by its writing half.

use std::time::Duration;

use lifecycle_core::{AckFailure, Platform as Core, securityscorecard, seismic};
use lifecycle_testing::Sender;
use serde::de::{Deserialize, Deserializer, Error};
use serde::{Serialize, Serializer};

/// Those in whose marketplaces apps can be registered.
static SIMULATED: [&Core; 2] = [&securityscorecard::PLATFORM, &seismic::PLATFORM];

/// How long is waited where the platform names no deadline.
const WITHOUT_DEADLINE: Duration = Duration::from_secs(10);

/// A platform. In JSON and in the database it is its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Platform(&'static Sender);

impl Platform {
    /// One of core's platforms.
    pub(crate) fn of(core: &Core) -> Self {
        Self(Sender::of(core).expect("the registry has all platforms that core knows"))
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        SIMULATED.into_iter().find(|platform| platform.name() == name).map(Self::of)
    }

    pub(crate) fn name(self) -> &'static str {
        self.0.platform().name()
    }

    pub(crate) fn sender(self) -> &'static Sender {
        self.0
    }

    /// How long the platform waits for an answer.
    pub(crate) fn deadline(self) -> Duration {
        self.0.platform().ack().deadline().unwrap_or(WITHOUT_DEADLINE)
    }

    /// Whether an action does not happen where the app does not acknowledge it.
    pub(crate) fn blocks(self) -> bool {
        self.0.platform().ack().failure() == AckFailure::Blocks
    }

    /// Whether its installations are those of users, and not of organizations: then the tenant is who acts.
    pub(crate) fn installs_for_users(self) -> bool {
        self.0.sample("install").is_some_and(|install| {
            let delivery = install.delivery();
            delivery.event().actor() == Some(delivery.event().tenant())
        })
    }
}

impl PartialEq for Platform {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Serialize for Platform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| D::Error::custom("there is no such platform"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_are_users_where_a_user_installs_for_himself() {
        assert!(Platform::of(&securityscorecard::PLATFORM).installs_for_users());
        assert!(!Platform::of(&seismic::PLATFORM).installs_for_users());
    }
}
