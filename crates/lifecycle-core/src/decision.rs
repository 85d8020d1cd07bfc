//! `Decision`: whether the app takes an event, or refuses it with a reason.

use crate::ack::AckFailure;
use crate::delivery::Delivery;
use crate::handler_error::cut;

/// What the app decides about an event while the platform waits. The enum is exhaustive on purpose.
///
/// What a refusal does is the platform's. On Seismic it blocks the action of the administrator who waits. Where the
/// platform only tells what has happened ([`Delivery::failure`] is not [`Blocks`](crate::AckFailure::Blocks)), it stops nothing, and the platform may send the event again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Decision {
    /// Take it: the event's method runs, or an inbox writes the delivery down, and the platform gets its acknowledgement.
    Accept,
    /// Refuse it. Nothing runs and nothing is written; the answer is 403 with the reason.
    Refuse(Reason),
}

impl Decision {
    /// Refuses with a reason, which is sent to the platform and logged; cut after 2000 bytes.
    pub fn refuse(reason: impl Into<String>) -> Self {
        Self::Refuse(Reason(cut(reason.into())))
    }

    /// This decision, as far as it can be carried out. A refused disable or uninstall is accepted where the platform's
    /// action does not wait for the answer: there the tenant is closed already, and without the event the app would go on
    /// serving it. An event at level `ERROR` says so.
    #[must_use]
    pub fn applied_to(self, delivery: &Delivery) -> Self {
        let Self::Refuse(reason) = &self else { return self };
        let kind = delivery.event().kind();
        if !kind.closes() || delivery.failure() == AckFailure::Blocks {
            return self;
        }
        tracing::error!(
            target: "lifecycle::handler",
            platform = delivery.platform().name(),
            kind = kind.name(),
            key = %delivery.idempotency_key(),
            reason = reason.as_str(),
            "refusal ignored: it cannot stop what has happened already"
        );
        Self::Accept
    }
}

/// The reason for a refusal. The caller reads it and it is logged: keep secrets and personal data out of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reason(String);

impl Reason {
    /// The reason as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ack, Platform, Proof, seismic, testing};

    /// Sends what Seismic does, when everything has happened already.
    static TELLS: Platform = Platform::new("tells", Proof::Hmac(seismic::SCHEME), Ack::new(200), |request| {
        seismic::PLATFORM.decode(request)
    });

    /// Asks before it happens, of this one event.
    static ASKS: Platform = Platform::new("asks", Proof::Hmac(seismic::SCHEME), Ack::new(200), |request| {
        let mut fields = seismic::PLATFORM.decode(request)?;
        fields.failure = Some(AckFailure::Blocks);
        Ok(fields)
    });

    #[test]
    fn an_event_may_block_where_its_platform_does_not() {
        let body = r#"{"type":"disable","appId":"a","tenantId":"t"}"#;
        let delivery = testing::delivery(&ASKS, body).unwrap();
        let refusal = Decision::refuse("not now");
        assert_eq!(refusal.clone().applied_to(&delivery), refusal);
        let restored = Delivery::from_store_unverified(&ASKS, body, &delivery.envelope()).unwrap();
        assert_eq!(restored.failure(), AckFailure::Blocks);
    }

    #[test]
    fn a_refused_close_is_accepted_where_a_refusal_blocks_nothing() {
        let refusal = Decision::refuse("not now");
        for kind in ["install", "enable", "upgrade", "disable", "uninstall", "rename"] {
            let body = format!(r#"{{"type":"{kind}","appId":"a","tenantId":"t"}}"#);
            let delivery = |platform| testing::delivery(platform, &body);
            let told = refusal.clone().applied_to(&delivery(&TELLS).unwrap());
            let closes = kind == "disable" || kind == "uninstall";
            assert_eq!(told == Decision::Accept, closes, "{kind}");
            let asked = refusal.clone().applied_to(&delivery(&seismic::PLATFORM).unwrap());
            assert_eq!(asked, refusal, "{kind}");
        }
    }
}
