//! Platform: the writing half of a platform, by the name that a command is given.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use lifecycle_core::{Platform, Proof};
use lifecycle_testing::{Sample, Sender, registry};

use crate::failure::Failure;

/// The platform that a command is about, where one is meant in most cases.
#[derive(Args, Debug)]
pub(crate) struct PlatformArgs {
    /// The platform
    #[arg(long, value_name = "PLATFORM", default_value = "seismic", value_parser = parser())]
    pub(crate) platform: &'static Sender,
}

/// Reads the name of one of the registry's.
pub(crate) fn parser() -> impl TypedValueParser<Value = &'static Sender> {
    PossibleValuesParser::new(registry().iter().map(|sender| sender.platform().name()))
        .map(|name| named(&name).expect("the parser takes the registry's names only"))
}

/// The registry's platform of this name.
pub(crate) fn named(name: &str) -> Option<&'static Sender> {
    registry().iter().copied().find(|sender| sender.platform().name() == name)
}

/// A sample of what a platform sends under this name: an event, a kind of event, its handshake, or an event that it does not
/// send yet.
pub(crate) fn sample(sender: &'static Sender, name: &str) -> Result<Sample, Failure> {
    sender.named(name).or_else(|| sender.unknown(name)).ok_or_else(|| {
        let platform = sender.platform().name();
        Failure::new(format!("{platform} sends no {name}"), format!("it sends {}", names(sender).join(", ")))
    })
}

/// What a platform sends: each event by the name of its kind where that tells it from the others, and else by its own.
pub(crate) fn names(sender: &'static Sender) -> Vec<&'static str> {
    let mut names = sender.names();
    names.extend(sender.handshake().map(|handshake| handshake.event()));
    names
}

/// Whether anything but the URL proves a platform.
pub(crate) fn signs(platform: &Platform) -> bool {
    !matches!(platform.proof(), Proof::UnguessableUrl)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_offered_is_sent() {
        for sender in registry() {
            for name in names(sender) {
                assert!(sender.named(name).is_some(), "{sender:?} {name}");
            }
        }
    }

    #[test]
    fn what_a_platform_does_not_send_is_told_with_what_it_sends() {
        let github = named("github").unwrap();
        let failure = sample(github, "install.d").unwrap_err().to_string();
        assert!(failure.starts_with("github sends no install.d: it sends install, enable, "), "{failure}");
    }
}
