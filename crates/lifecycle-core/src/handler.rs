//! `LifecycleHandler`: what an app does about a lifecycle event.

use std::sync::Arc;

use async_trait::async_trait;

use crate::decision::Decision;
use crate::delivery::Delivery;
use crate::event::EventKind;
use crate::handler_error::HandlerError;

/// What an app does when a marketplace sends it a lifecycle event, in two phases: [`decide`](Self::decide) whether an
/// event is taken, and then the method of its kind, which does the work. Both have a default, so an app writes only what it
/// needs.
///
/// | | at an endpoint by itself | behind an inbox |
/// | --- | --- | --- |
/// | `decide` | first, while the platform waits | the same |
/// | then | the event's method, while the platform waits | a durable write, while the platform waits |
/// | then | the acknowledgement | the acknowledgement |
/// | afterwards | | the event's method, by a worker: as long as it takes, and again after a failure |
///
/// So a handler means the same in both forms, and needs no change to move behind an inbox. On Seismic, what happens while the
/// platform waits has 3 s in all; if it takes longer, the administrator's action is blocked. Deliveries may come twice: an inbox
/// detects that, and so does [`Deduplicated`](crate::Deduplicated).
///
/// ```
/// use lifecycle_core::{Decision, Delivery, HandlerError, LifecycleHandler, async_trait};
///
/// struct Seats;
///
/// #[async_trait]
/// impl LifecycleHandler for Seats {
///     async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
///         Ok(match delivery.event().tenant() {
///             "a-tenant-without-a-contract" => Decision::refuse("there is no contract with this tenant"),
///             _ => Decision::Accept,
///         })
///     }
///
///     async fn install(&self, delivery: &Delivery) -> Result<(), HandlerError> {
///         println!("making an account for {}", delivery.event().tenant());
///         Ok(())
///     }
/// }
///
/// let _handler: std::sync::Arc<dyn LifecycleHandler> = std::sync::Arc::new(Seats);
/// ```
#[async_trait]
pub trait LifecycleHandler: Send + Sync + 'static {
    /// Whether the event is taken; it is, by default. It has no effects: it may run more than once for an event, also at
    /// the same time, and also for one that is then not taken. Look up what it takes to decide, and change nothing.
    ///
    /// It runs while the platform waits, before anything is done or written. An error is answered 500, or 503 if it is
    /// [`unavailable`](HandlerError::unavailable).
    async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
        let _ = delivery;
        Ok(Decision::Accept)
    }

    /// An administrator installs the app.
    async fn install(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        nothing_to_do(delivery)
    }

    /// An administrator enables the app: from now on its features are active for the tenant.
    async fn enable(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        nothing_to_do(delivery)
    }

    /// An administrator moves the tenant to a newer version.
    async fn upgrade(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        nothing_to_do(delivery)
    }

    /// An administrator disables the app: its features are off for the tenant.
    async fn disable(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        nothing_to_do(delivery)
    }

    /// An administrator removes the app from the tenant.
    async fn uninstall(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        nothing_to_do(delivery)
    }

    /// A kind that this version does not know.
    async fn other(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        nothing_to_do(delivery)
    }

    /// Any event that was accepted: calls the method of its kind. Override it to treat all kinds alike, or, together with
    /// [`decide`](Self::decide), to wrap another handler.
    async fn event(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        match delivery.event().kind() {
            EventKind::Disable => self.disable(delivery).await,
            EventKind::Enable => self.enable(delivery).await,
            EventKind::Install => self.install(delivery).await,
            EventKind::Other(_) => self.other(delivery).await,
            EventKind::Uninstall => self.uninstall(delivery).await,
            EventKind::Upgrade => self.upgrade(delivery).await,
        }
    }
}

/// Every method is passed on: a default in this impl would do nothing and report success.
#[async_trait]
impl<H: LifecycleHandler + ?Sized> LifecycleHandler for Arc<H> {
    async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
        (**self).decide(delivery).await
    }

    async fn install(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        (**self).install(delivery).await
    }

    async fn enable(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        (**self).enable(delivery).await
    }

    async fn upgrade(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        (**self).upgrade(delivery).await
    }

    async fn disable(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        (**self).disable(delivery).await
    }

    async fn uninstall(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        (**self).uninstall(delivery).await
    }

    async fn other(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        (**self).other(delivery).await
    }

    async fn event(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        (**self).event(delivery).await
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is the whole body of six trait methods")]
fn nothing_to_do(_delivery: &Delivery) -> Result<(), HandlerError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{seismic, testing};
    use std::sync::Mutex;

    /// Notes which of its methods are called.
    #[derive(Default)]
    struct Calls(Mutex<Vec<&'static str>>);

    impl Calls {
        fn note(&self, name: &'static str) {
            self.0.lock().unwrap().push(name);
        }
    }

    #[async_trait]
    impl LifecycleHandler for Calls {
        async fn decide(&self, _: &Delivery) -> Result<Decision, HandlerError> {
            self.note("decide");
            Ok(Decision::Accept)
        }

        async fn install(&self, _: &Delivery) -> Result<(), HandlerError> {
            self.note("install");
            Ok(())
        }

        async fn enable(&self, _: &Delivery) -> Result<(), HandlerError> {
            self.note("enable");
            Ok(())
        }

        async fn upgrade(&self, _: &Delivery) -> Result<(), HandlerError> {
            self.note("upgrade");
            Ok(())
        }

        async fn disable(&self, _: &Delivery) -> Result<(), HandlerError> {
            self.note("disable");
            Ok(())
        }

        async fn uninstall(&self, _: &Delivery) -> Result<(), HandlerError> {
            self.note("uninstall");
            Ok(())
        }

        async fn other(&self, _: &Delivery) -> Result<(), HandlerError> {
            self.note("other");
            Ok(())
        }
    }

    fn delivery(kind: &str) -> Delivery {
        let body = format!(r#"{{"type":"{kind}","appId":"a","tenantId":"t"}}"#);
        testing::delivery(&seismic::PLATFORM, &body).unwrap()
    }

    #[tokio::test]
    async fn each_kind_has_its_method_also_behind_an_arc() {
        let calls = Arc::new(Calls::default());
        let shared: Arc<dyn LifecycleHandler> = calls.clone();
        let kinds = ["install", "enable", "upgrade", "disable", "uninstall", "other"];
        for kind in kinds {
            LifecycleHandler::event(&shared, &delivery(kind)).await.unwrap();
        }
        let delivery = delivery("install");
        LifecycleHandler::decide(&shared, &delivery).await.unwrap();
        LifecycleHandler::install(&shared, &delivery).await.unwrap();
        LifecycleHandler::enable(&shared, &delivery).await.unwrap();
        LifecycleHandler::upgrade(&shared, &delivery).await.unwrap();
        LifecycleHandler::disable(&shared, &delivery).await.unwrap();
        LifecycleHandler::uninstall(&shared, &delivery).await.unwrap();
        LifecycleHandler::other(&shared, &delivery).await.unwrap();
        let directly = ["decide"].into_iter().chain(kinds);
        assert_eq!(*calls.0.lock().unwrap(), kinds.into_iter().chain(directly).collect::<Vec<_>>());
    }
}
