//! Trust: what proved a delivery, and which of its fields that proof covers.

use std::borrow::Cow;

use crate::secret::KeyName;

/// What proved a delivery. [`Delivery::proves`](crate::Delivery::proves) says which of its fields the proof covers.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Trust {
    /// A token that is signed by the platform. It proves its claims, and nothing else of the request: until it expires, whoever has
    /// seen it can send it again, with another body or to another path.
    Bearer {
        /// The name of the secret or of the public key that verified it.
        key: KeyName,
    },
    /// The app has seen it by itself; nobody has sent it. See [`Observation`](crate::Observation).
    Observed,
    /// A signature by a public key of the platform's, over the raw body.
    PublicKey {
        /// The name of the key that verified it.
        key: KeyName,
        /// The header that carried it.
        header: Cow<'static, str>,
    },
    /// An HMAC under a secret that the app shares with the platform, over the raw body. It proves the platform, not a
    /// tenant: one secret serves all tenants.
    Signed {
        /// The name of the secret that made it: when an old one is no longer seen here, it can be retired.
        secret: KeyName,
        /// The header that carried it.
        header: Cow<'static, str>,
    },
    /// Nothing proves the sender but an unguessable URL. Take it as a hint: grant nothing because of it alone.
    UnguessableUrl,
}

/// A field of a delivery whose proof can be asked for: [`Delivery::proves`](crate::Delivery::proves).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Field {
    /// [`LifecycleEvent::actor`](crate::LifecycleEvent::actor).
    Actor,
    /// [`LifecycleEvent::app`](crate::LifecycleEvent::app).
    App,
    /// [`LifecycleEvent::installation`](crate::LifecycleEvent::installation).
    Installation,
    /// [`LifecycleEvent::kind`](crate::LifecycleEvent::kind).
    Kind,
    /// [`LifecycleEvent::occurred`](crate::LifecycleEvent::occurred).
    Occurred,
    /// [`LifecycleEvent::request_id`](crate::LifecycleEvent::request_id).
    RequestId,
    /// [`LifecycleEvent::tenant`](crate::LifecycleEvent::tenant).
    Tenant,
    /// [`LifecycleEvent::version`](crate::LifecycleEvent::version) and
    /// [`prior_version`](crate::LifecycleEvent::prior_version).
    Version,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Actor,
        Self::App,
        Self::Installation,
        Self::Kind,
        Self::Occurred,
        Self::RequestId,
        Self::Tenant,
        Self::Version,
    ];

    /// The name in lower case, words joined by `_`, as stores and tools write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::App => "app",
            Self::Installation => "installation",
            Self::Kind => "kind",
            Self::Occurred => "occurred",
            Self::RequestId => "request_id",
            Self::Tenant => "tenant",
            Self::Version => "version",
        }
    }
}

/// The fields that a proof does not cover.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Unproven(u8);

impl Unproven {
    pub(crate) fn insert(&mut self, field: Field) {
        self.0 |= bit(field);
    }

    pub(crate) fn contains(self, field: Field) -> bool {
        self.0 & bit(field) != 0
    }

    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        Field::ALL.into_iter().filter(move |field| self.contains(*field)).map(Field::name)
    }

    /// Names that are not known are those of a later release: what it cannot tell counts as unproven there, not here.
    pub(crate) fn from_names<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut unproven = Self::default();
        for name in names {
            if let Some(field) = Field::ALL.into_iter().find(|field| field.name() == name) {
                unproven.insert(field);
            }
        }
        unproven
    }
}

fn bit(field: Field) -> u8 {
    1 << field as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_marked_for_itself_and_found_by_its_name() {
        for field in Field::ALL {
            let mut unproven = Unproven::default();
            unproven.insert(field);
            for other in Field::ALL {
                assert_eq!(unproven.contains(other), other == field, "{field:?} {other:?}");
            }
            assert_eq!(Unproven::from_names(unproven.names()), unproven);
        }
    }
}
