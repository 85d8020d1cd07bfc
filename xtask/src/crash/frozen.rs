//! Frozen: an app is stopped in the middle of whatever it does, as by a debugger or a host that moves it, and goes on when
//! its leases have ended and another app may have done its work.

use std::thread;

use super::stage::{LEASE, Stage};
use crate::Failure;

pub(super) fn befall(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let app = stage.any_app();
    stage.freeze(app)?;
    thread::sleep(LEASE);
    stage.pause(2000);
    stage.thaw(app)?;
    stage.acknowledges()
}
