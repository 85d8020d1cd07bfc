//! The options that every kind of callback shares: where to, how often, and how the body is put on the wire.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde::Deserialize;

use crate::client::{self, Framing};
use crate::failure::Failure;

/// Where to, how often, and how.
#[derive(Args, Debug)]
pub(crate) struct SendOptions {
    /// Where the callback is sent to; http or https. Redirects are not followed, as the platforms do not
    #[arg(long, value_name = "URL")]
    url: String,
    /// Send exactly these bytes as the body; - for the standard input
    #[arg(long, value_name = "FILE", help_heading = "Body")]
    pub(super) body: Option<PathBuf>,
    /// Add a header, as in curl: 'NAME: VALUE'
    #[arg(short = 'H', long = "header", value_name = "NAME:VALUE", help_heading = "Wire")]
    header: Vec<String>,
    /// Send it this often
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Wire")]
    pub(super) repeat: u32,
    /// Have this many under way at a time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Wire")]
    pub(super) concurrency: u32,
    /// Spread the body over this many milliseconds
    #[arg(long, value_name = "MS", help_heading = "Wire")]
    slow_body: Option<u64>,
    /// Send the body chunked, without telling its length
    #[arg(long, help_heading = "Wire")]
    chunked: bool,
    /// Wait this long for an answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Wire")]
    timeout: u64,
    /// What has to become of it, for exit code 0
    #[arg(long, value_enum, default_value_t = Expected::Acknowledged)]
    pub(super) expect: Expected,
}

/// What has to become of a callback.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Expected {
    /// The platform takes it as received, in time
    #[default]
    Acknowledged,
    /// It is refused, late or lost
    Blocked,
}

impl SendOptions {
    pub(super) fn url(&self) -> Result<Url, Failure> {
        client::parse_url(&self.url)
    }

    pub(super) fn framing(&self) -> Framing {
        Framing { chunked: self.chunked, slow: self.slow_body.map(Duration::from_millis) }
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout)
    }

    pub(super) fn headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        for header in &self.header {
            let (name, value) = header
                .split_once(':')
                .ok_or_else(|| Failure::new("a --header has no colon", "write it as -H 'x-test: 1'"))?;
            let (name, value) = client::header(name, value.as_bytes())?;
            headers.append(name, value);
        }
        Ok(headers)
    }
}
