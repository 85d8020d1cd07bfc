//! Platform: whose marketplace an app or a tenant is in, by its writing half.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use lifecycle_core::{
    AckFailure, Activation, Delivery, EventKind, LifecycleEvent, Part, Platform as Core, Proof, Status,
    TokenPlace, securityscorecard,
};
use lifecycle_testing::{KeysFrom, RSA_OTHER_TEST_KEY, Sample, Sender, SigningKeys, registry};
use serde::de::{Deserialize, Deserializer, Error};
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use crate::tenant::random_id;

/// How long is waited where the platform names no deadline.
const WITHOUT_DEADLINE: Duration = Duration::from_secs(10);

/// A platform. In JSON and in the database it is its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Platform(&'static Sender);

/// What the simulator has to have to sign as a platform does.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Credential {
    /// Nothing: a URL that nobody can guess proves its requests.
    None,
    /// A private key: the app's developer may have one; else that for tests is taken.
    Private,
    /// A private key for tests, whose public half is published.
    Published,
    /// A secret that the app knows.
    Secret,
}

/// What a platform's samples tell, to make up more of the same shape.
#[derive(Debug)]
pub(crate) struct Vendor {
    pub(crate) app: String,
    pub(crate) tenant: String,
    pub(crate) actor: Option<String>,
    /// Whether its events tell versions.
    pub(crate) has_versions: bool,
    /// Whether its installations are those of users, and not of organizations: then the tenant is who acts.
    pub(crate) is_user: bool,
}

static VENDORS: LazyLock<BTreeMap<&'static str, Vendor>> = LazyLock::new(|| {
    let vendor = |sender: &&'static Sender| (sender.platform().name(), Vendor::of(sender));
    registry().iter().map(vendor).collect()
});

impl Platform {
    /// One of core's platforms.
    pub(crate) fn of(core: &Core) -> Self {
        Self(Sender::of(core).expect("the registry has all platforms that core knows"))
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|platform| platform.name() == name)
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        registry().iter().map(|sender| Self(sender))
    }

    pub(crate) fn name(self) -> &'static str {
        self.core().name()
    }

    /// Its name as people write it.
    pub(crate) fn title(self) -> &'static str {
        self.0.title()
    }

    pub(crate) fn core(self) -> &'static Core {
        self.0.platform()
    }

    pub(crate) fn sender(self) -> &'static Sender {
        self.0
    }

    /// Whether an app is registered by a manifest, and not by its URLs.
    pub(crate) fn registers_by_manifest(self) -> bool {
        self == Self::of(&securityscorecard::PLATFORM)
    }

    /// How long the platform waits for an answer.
    pub(crate) fn deadline(self) -> Duration {
        self.core().ack().deadline().unwrap_or(WITHOUT_DEADLINE)
    }

    /// Whether an action does not happen where the app does not acknowledge it.
    pub(crate) fn blocks(self) -> bool {
        self.core().ack().failure() == AckFailure::Blocks
    }

    /// The names of its events.
    pub(crate) fn events(self) -> Vec<&'static str> {
        self.0.names()
    }

    /// What it sends under a name: an event, or its handshake.
    pub(crate) fn sample(self, name: &str) -> Option<Sample> {
        self.0.named(name)
    }

    pub(crate) fn is_handshake(self, name: &str) -> bool {
        self.0.handshake().is_some_and(|handshake| handshake.event() == name)
    }

    pub(crate) fn vendor(self) -> &'static Vendor {
        &VENDORS[self.name()]
    }

    /// The kind of what an administrator does under this name. To install and to uninstall is possible on every platform, also
    /// where it tells the app nothing.
    pub(crate) fn kind(self, name: &str) -> Option<EventKind> {
        let silent = ["install", "uninstall"].contains(&name).then(|| EventKind::from_name(name));
        self.0.sample(name).map(|sample| sample.kind()).or(silent)
    }

    /// Whether an administrator can do this to an app of this status; `None` is never installed.
    pub(crate) fn allows(self, status: Option<Status>, kind: &EventKind) -> bool {
        let switched_on_later = self.core().activation() == Activation::OnEnable;
        match (kind, status) {
            (EventKind::Install, None | Some(Status::Uninstalled)) => true,
            (EventKind::Install, _) | (_, None | Some(Status::Uninstalled)) => false,
            (EventKind::Enable, Some(Status::Installed)) => switched_on_later,
            (EventKind::Enable, status) => status == Some(Status::Disabled),
            (EventKind::Disable, Some(Status::Installed)) => !switched_on_later,
            (EventKind::Disable, status) => status == Some(Status::Enabled),
            _ => true,
        }
    }

    pub(crate) fn credential(self) -> Credential {
        match (self.core().proof(), self.0.keys_from()) {
            (Proof::UnguessableUrl, _) => Credential::None,
            (_, KeysFrom::Tenant { .. } | KeysFrom::Url) => Credential::Published,
            (proof, _) if proof.uses_rsa() => Credential::Published,
            (Proof::PublicKey(_), _) => Credential::Private,
            _ => Credential::Secret,
        }
    }

    /// A secret of 256 random bits, as any platform may show one.
    pub(crate) fn new_secret() -> Zeroizing<String> {
        // 64 hex digits are a key of every sort, base64 and the seed of a private key included.
        Zeroizing::new(format!("{}{}", random_id(""), random_id("")))
    }

    /// Keys that no app has.
    pub(crate) fn unknown_keys(self) -> SigningKeys {
        let text = if self.core().proof().uses_rsa() {
            Zeroizing::new(RSA_OTHER_TEST_KEY.to_owned())
        } else {
            Self::new_secret()
        };
        SigningKeys::parse(self.core(), &text).expect("they are keys")
    }

    /// Where a token stands, if that is the proof.
    pub(crate) fn token_place(self) -> Option<TokenPlace> {
        match self.core().proof() {
            Proof::Token(scheme) => Some(scheme.place()),
            _ => None,
        }
    }

    /// Whether a request is refused some time after it was sent.
    pub(crate) fn is_aged(self) -> bool {
        let expires = self.token_place().is_some();
        expires || self.core().max_age().is_some()
    }

    /// What is signed, in order; nothing of a request whose proof is a token or its URL.
    pub(crate) fn signed(self) -> &'static [Part] {
        match self.core().proof() {
            Proof::Hmac(scheme) => scheme.signed(),
            Proof::PublicKey(public) => public.scheme().map_or(&[Part::Body], |scheme| scheme.signed()),
            _ => &[],
        }
    }

    /// A header that tells events apart and is not signed, with the value of another event.
    pub(crate) fn swapped_header(self) -> Option<(&'static str, String)> {
        let is_signed = |name: &str| {
            self.core().proof_headers().contains(&name)
                || self.signed().iter().any(|part| matches!(part, Part::Header(own) if *own == name))
        };
        let samples: Vec<Sample> = self.events().into_iter().filter_map(|name| self.0.sample(name)).collect();
        let first = samples.first()?;
        // An id differs from sample to sample, whatever the event.
        let again = self.0.sample(first.event())?.headers();
        let told =
            first.headers().into_iter().filter(|header| again.contains(header) && !is_signed(header.0));
        let others: Vec<_> = samples.iter().flat_map(Sample::headers).collect();
        told.into_iter().find_map(|(name, value)| {
            others.iter().find(|(own, other)| *own == name && *other != value).cloned()
        })
    }

    /// Whether two secrets sign while one is being replaced.
    pub(crate) fn signs_twice(self) -> bool {
        match self.core().proof() {
            Proof::Hmac(scheme) => scheme.headers().len() > 1 || scheme.separator().is_some(),
            _ => false,
        }
    }

    /// Whether each tenant publishes keys of its own, and is named by its URL.
    pub(crate) fn tenants_are_urls(self) -> bool {
        matches!(self.0.keys_from(), KeysFrom::Tenant { .. })
    }
}

impl Vendor {
    fn of(sender: &'static Sender) -> Self {
        let delivery = |name: &str| sender.sample(name).as_ref().map(Sample::delivery);
        let first = sender.names().first().and_then(|name| delivery(name));
        let event = first.as_ref().map(Delivery::event);
        let told = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let actor = event.and_then(LifecycleEvent::actor);
        let versions = ["install", "upgrade"].map(delivery);
        Self {
            app: told(event.map(LifecycleEvent::app)),
            tenant: told(event.map(LifecycleEvent::tenant)),
            actor: actor.map(str::to_owned),
            has_versions: versions.iter().flatten().any(|delivery| delivery.event().version().is_some()),
            is_user: actor.is_some() && actor == event.map(LifecycleEvent::tenant),
        }
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
    use lifecycle_core::{github, seismic};

    use super::*;

    #[test]
    fn tenants_are_users_where_a_user_installs_for_himself() {
        assert!(Platform::of(&securityscorecard::PLATFORM).vendor().is_user);
        assert!(!Platform::of(&seismic::PLATFORM).vendor().is_user);
    }

    fn allowed(platform: &Core, status: Option<Status>) -> Vec<String> {
        let platform = Platform::of(platform);
        let allowed = EventKind::KNOWN.into_iter().filter(|kind| platform.allows(status, kind));
        allowed.map(|kind| kind.name().to_owned()).collect()
    }

    #[test]
    fn an_administrator_can_only_do_what_the_status_allows() {
        for (status, expected) in [
            (None, vec!["install"]),
            (Some(Status::Installed), vec!["enable", "upgrade", "uninstall"]),
            (Some(Status::Enabled), vec!["upgrade", "disable", "uninstall"]),
            (Some(Status::Disabled), vec!["enable", "upgrade", "uninstall"]),
            (Some(Status::Uninstalled), vec!["install"]),
        ] {
            assert_eq!(allowed(&seismic::PLATFORM, status), expected, "{status:?}");
        }
    }

    #[test]
    fn what_an_install_activates_can_be_suspended_at_once() {
        assert_eq!(allowed(&github::PLATFORM, Some(Status::Installed)), ["upgrade", "disable", "uninstall"]);
    }

    #[test]
    fn a_header_is_swapped_only_where_nothing_proves_it() {
        let swapped =
            Platform::all().filter_map(|platform| Some((platform.name(), platform.swapped_header()?.0)));
        let expected =
            [("github", "x-github-event"), ("saleor", "saleor-event"), ("shopify", "x-shopify-topic")];
        let mut swapped: Vec<_> = swapped.collect();
        swapped.sort_unstable();
        assert_eq!(swapped, expected);
    }

    #[test]
    fn each_platform_signs_with_a_new_secret_and_with_keys_that_no_app_has() {
        for platform in Platform::all() {
            platform.unknown_keys();
            if platform.credential() == Credential::Secret {
                assert!(SigningKeys::parse(platform.core(), &Platform::new_secret()).is_ok(), "{platform:?}");
            }
            assert!(!platform.vendor().tenant.is_empty(), "{platform:?}");
        }
    }
}
