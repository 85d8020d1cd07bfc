//! Change: an event, as far as it can change an installation.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::ack::AckFailure;
use crate::delivery::Delivery;
use crate::event::EventKind;
use crate::installation::Installation;
use crate::platform::Activation;
use crate::trust::Field;

/// How long an event may be on its way where the platform sends it once, and does not retry.
const LOST: Duration = Duration::from_secs(24 * 60 * 60);

/// An event, as far as it can change an installation.
///
/// `Debug` shows neither the installation, nor the version, nor who did it.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// What happened.
    pub kind: EventKind,
    /// When it was sent, as the platform says. `None` where it does not say, or leaves out the offset from UTC. The time may be
    /// implausible: the [`Installation`] ignores it then.
    pub sent: Option<SystemTime>,
    /// When it was received, by the app's clock.
    pub received: SystemTime,
    /// Its place in the order of arrival, which needs no clock: each later event of the same installation has a larger
    /// number. An event that is folded again comes with the number that it had. The id of a delivery in an inbox is one.
    pub seq: i64,
    /// The longest time that the event may have been on its way, from its sending to its receipt, all attempts of the
    /// platform included.
    pub horizon: Duration,
    /// Whether an install or enable makes the installation active: an enable does, and an install where the platform sends no
    /// enable ([`Activation::OnInstall`]).
    pub activates: bool,
    /// The id of the installation, where the platform gives each re-install another one.
    pub installation: Option<String>,
    /// The version that the event names.
    pub version: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
}

impl Change {
    /// A change of this kind and nothing else: an enable activates, and it may have been on its way for 24 h. Set the members
    /// that are known.
    pub fn of(kind: EventKind, received: SystemTime, seq: i64) -> Self {
        let activates = kind == EventKind::Enable;
        Self {
            kind,
            sent: None,
            received,
            seq,
            horizon: LOST,
            activates,
            installation: None,
            version: None,
            actor: None,
        }
    }

    /// What a delivery changes, and its place in the order of arrival: for a delivery in an inbox, its id.
    ///
    /// The [`horizon`](Self::horizon) follows from the platform's acknowledgement, [`Installation::CLOCK_SKEW`] on top: the
    /// deadline where a late answer blocks the administrator, as the event is over then; the time of the last attempt where
    /// the platform tries again; 24 h where it does not. A time or an installation's id that the proof does not cover is taken
    /// as unknown: a replay could change it.
    pub fn new(delivery: &Delivery, seq: i64) -> Self {
        let (platform, event) = (delivery.platform(), delivery.event());
        let installation = event.installation().filter(|_| delivery.proves(Field::Installation));
        Self {
            kind: event.kind().clone(),
            sent: event.occurred().filter(|_| delivery.proves(Field::Occurred)),
            received: delivery.received_at(),
            seq,
            horizon: horizon(delivery.failure(), platform.ack().deadline()),
            activates: activates(event.kind(), platform.activation()),
            installation: installation.map(str::to_owned),
            version: event.version().map(str::to_owned),
            actor: event.actor().map(str::to_owned),
        }
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change").field("kind", &self.kind).field("seq", &self.seq).finish_non_exhaustive()
    }
}

fn activates(kind: &EventKind, activation: Activation) -> bool {
    match kind {
        EventKind::Enable => true,
        EventKind::Install => activation == Activation::OnInstall,
        _ => false,
    }
}

fn horizon(failure: AckFailure, deadline: Option<Duration>) -> Duration {
    match (failure, deadline) {
        (AckFailure::Blocks, Some(deadline)) => deadline + Installation::CLOCK_SKEW,
        (AckFailure::Retried { at_most }, _) => at_most + Installation::CLOCK_SKEW,
        _ => LOST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ack::Ack;
    use crate::platform::{Platform, Proof};
    use crate::{
        EventFields, Scheme, Undecodable, VerifiedRequest, github, registry, securityscorecard, seismic,
        testing,
    };
    use std::borrow::Cow;
    use std::time::UNIX_EPOCH;

    fn change(timestamp: &str) -> Change {
        let body = format!(
            r#"{{"type":"disable","appId":"a","tenantId":"t","userId":"jordan","version":"1","timestamp":"{timestamp}"}}"#
        );
        let delivery = testing::delivery(&seismic::PLATFORM, &body).unwrap();
        Change::new(&delivery, 7)
    }

    #[test]
    fn a_time_without_an_offset_is_unknown() {
        let noon = UNIX_EPOCH + Duration::from_secs(1_598_949_942);
        assert_eq!(change("2020-09-01T08:45:42Z").sent, Some(noon));
        assert_eq!(change("2020-09-01T10:45:42+02:00").sent, Some(noon));
        for text in ["2020-09-01T08:45:42", "0001-01-01T00:00:00", "2020-09-01", "yesterday", " ", ""] {
            assert_eq!(change(text).sent, None, "{text}");
        }
    }

    #[test]
    fn the_horizon_follows_the_acknowledgement() {
        let of = |ack: &Ack| horizon(ack.failure(), ack.deadline());
        assert_eq!(of(&seismic::ACK), Duration::from_secs(63));
        let retried = Ack::new(200).with_failure(AckFailure::Retried { at_most: Duration::from_secs(3600) });
        assert_eq!(of(&retried), Duration::from_secs(3660));
        assert_eq!(of(&securityscorecard::ACK), Duration::from_secs(36 * 3600 + 60));
        let waits_without_blocking = Ack::new(200).with_deadline(Duration::from_secs(10));
        assert_eq!(of(&waits_without_blocking), LOST);
    }

    #[test]
    fn an_install_activates_on_every_platform_but_seismic() {
        for platform in registry() {
            let activates = |kind| activates(&kind, platform.activation());
            assert_eq!(activates(EventKind::Install), platform.name() != "seismic", "{platform:?}");
            assert!(activates(EventKind::Enable), "{platform:?}");
            for kind in [EventKind::Disable, EventKind::Uninstall, EventKind::Upgrade] {
                assert!(!activates(kind), "{platform:?}");
            }
        }
        let install = r#"{"type":"install","appId":"a","tenantId":"t"}"#;
        assert!(!Change::new(&testing::delivery(&seismic::PLATFORM, install).unwrap(), 1).activates);
    }

    /// Names the installation's id in a header that is not signed.
    static UNPROVEN: Platform =
        Platform::new("unproven", Proof::Hmac(Scheme::new(&["x-sign"])), seismic::ACK, decode)
            .with_headers(&["x-id"]);

    fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
        let mut fields = EventFields::new(EventKind::Install);
        let id = request.unauthenticated_header("x-id").ok_or(Undecodable::Missing("x-id"))?;
        fields.installation = Some(Cow::Borrowed(id));
        fields.unproven(Field::Installation);
        Ok(fields)
    }

    #[test]
    fn an_installation_s_id_counts_where_it_is_proven() {
        let body = r#"{"action":"created","installation":{"id":957387,"account":{"id":1},"app_id":29310}}"#;
        let headers = [(github::EVENT, "installation")];
        let delivery = testing::with_headers(&github::PLATFORM, &headers, body).unwrap();
        let change = Change::new(&delivery, 1);
        assert_eq!((change.installation.as_deref(), change.activates), (Some("957387"), true));

        let delivery = testing::with_headers(&UNPROVEN, &[("x-id", "i")], "{}").unwrap();
        assert_eq!(delivery.event().installation(), Some("i"));
        assert_eq!(Change::new(&delivery, 1).installation, None);
    }

    #[test]
    fn debug_does_not_show_who_did_it() {
        assert_eq!(format!("{:?}", change("")), "Change { kind: Disable, seq: 7, .. }");
    }
}
