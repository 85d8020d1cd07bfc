//! Options: which apps run where, and what they were started with.

use std::env;
use std::time::Duration;

use lexopt::prelude::{Long, ValueExt};

use crate::Failure;

/// An example app that runs.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) name: String,
    /// Address and port.
    pub(crate) address: String,
}

/// What the command line and the environment say.
pub(crate) struct Options {
    /// `--app NAME=ADDRESS:PORT`, once for each.
    pub(crate) apps: Vec<App>,
    /// `--proxy NAME`: only this one.
    pub(crate) proxy: Option<String>,
    /// `--long`: also what held says what it saw.
    pub(crate) is_long: bool,
    /// `--siege SECONDS`: hostile HTTP instead, with floods of so many seconds.
    pub(crate) siege: Option<Duration>,
    /// `SEISMIC_SIGNING_SECRET` of the apps.
    pub(crate) secret: String,
    /// `SECURITYSCORECARD_HOOK_TOKEN` of the apps.
    pub(crate) token: String,
}

impl Options {
    pub(crate) fn parse() -> Result<Self, Failure> {
        let secret = env::var("SEISMIC_SIGNING_SECRET")?;
        let token = env::var("SECURITYSCORECARD_HOOK_TOKEN")?;
        let mut options = Self { apps: Vec::new(), proxy: None, is_long: false, siege: None, secret, token };
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("app") => {
                    let app = arguments.value()?.string()?;
                    let (name, address) = app.split_once('=').ok_or("--app is NAME=ADDRESS:PORT")?;
                    options.apps.push(App { name: name.to_owned(), address: address.to_owned() });
                }
                Long("long") => options.is_long = true,
                Long("siege") => options.siege = Some(Duration::from_secs(arguments.value()?.parse()?)),
                Long("proxy") => options.proxy = Some(arguments.value()?.string()?),
                other => return Err(other.unexpected().into()),
            }
        }
        if options.apps.is_empty() {
            return Err("`cargo xtask proxies` and `cargo xtask siege` start the apps and run this".into());
        }
        Ok(options)
    }
}
