//! Full: the server has no connection left. Apps that run go on acknowledging; one that starts waits, or says why not.

use fastrand::Rng;
use test_postgres::{Crowd, Server};

use super::stage::Stage;
use crate::Failure;

/// A server on which connections are scarce, but enough for two apps under this load.
pub(crate) fn start_small(rng: &mut Rng) -> Server {
    Server::start_small(rng.usize(16..=40))
}

pub(super) fn befall(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let server = stage.small()?;
    let mut crowd = Crowd::fill(&server);
    stage.acknowledges()?;

    let app = stage.any_app();
    stage.kill(app)?;
    crowd.fill_again();
    let starting = stage.launch(app)?;
    stage.acknowledges()?; // the others
    stage.pause(4000);
    drop(crowd); // in time for who waits, or when the app has given up
    stage.has_started(app, starting)?;
    stage.acknowledges()
}
