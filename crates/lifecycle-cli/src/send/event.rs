//! `lifecycle send PLATFORM EVENT`: an event of any platform that the library knows, signed as it signs.

use clap::{Args, Command};
use clap_complete::engine::ArgValueCandidates;
use lifecycle_testing::{Sample, Sender, SigningKeys};

use super::courier::Courier;
use super::options::{Expected, SendOptions};
use super::report::Sent;
use crate::answer::Answer;
use crate::body;
use crate::client::Outgoing;
use crate::completions::events;
use crate::event::EventArgs;
use crate::failure::Failure;
use crate::platform::{self, signs};
use crate::private::Private;
use crate::secret::{Key, PreviousSecretArgs, SigningSecretArgs, default_variable};
use crate::shown::{self, nearest};
use crate::signing::{Signed, Told, made_headers};
use crate::verdict::{Intent, Judge};

const EXIT_CODES: &str = "\
Exit code 1 says that an administrator would have been blocked, or that a forged event was accepted; 2 that it could not \
be found out. What a receiver has to refuse (--tamper, --unsigned) is well when it is refused.";

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option that a user gives or not")]
pub(super) struct SendEventArgs {
    /// The event, by its kind or by its name on the platform
    #[arg(required = true)]
    event: String,
    #[command(flatten)]
    options: SendOptions,
    #[command(flatten)]
    fields: EventArgs,
    #[command(flatten)]
    secret: SigningSecretArgs,
    #[command(flatten)]
    previous: PreviousSecretArgs,
    /// Change what is signed after signing, the body or the token; a receiver has to refuse it
    #[arg(long, help_heading = "Signature")]
    tamper: bool,
    /// Send an event of this name although it is much like a documented one; a receiver has to take what is not known yet
    #[arg(long)]
    unknown: bool,
    /// Send no signature; a receiver has to refuse it
    #[arg(long, help_heading = "Signature")]
    unsigned: bool,
    /// Give each repetition a request id of its own; otherwise they are duplicates of one event
    #[arg(long, conflicts_with = "body", help_heading = "Wire")]
    fresh: bool,
}

/// The command of one platform.
pub(super) fn command(sender: &'static Sender) -> Command {
    let platform = sender.platform();
    let name = platform.name();
    let names = platform::names(sender);
    let (first, last) =
        (names.first().copied().unwrap_or_default(), names.last().copied().unwrap_or_default());
    let send = |event: &str, more: &str| {
        let path = sender.sample(event).map_or("", |sample| sample.path());
        let url = format!("--url http://127.0.0.1:3000/{name}{path}");
        format!("  lifecycle send {name} {event} \\\n      {url}{more}\n")
    };
    let variable = default_variable(platform);
    let examples = if signs(platform) {
        [
            send(first, &format!(" \\\n      --secret-env {variable}")),
            send(last, " --tenant 42 --set note=x"),
            send(first, " --dry-run"),
            send(first, " --body saved.json --tamper"),
            send(first, " \\\n      --repeat 1000 --concurrency 16 --fresh"),
        ]
        .concat()
    } else {
        let example = send(first, "/hook/TOKEN");
        format!(
            "{example}\nNothing signs this event: the URL's last part is its token, so it is not shown.\n"
        )
    };
    let others = match sender.unknown("other") {
        Some(_) => "; any other is sent, too, since a receiver has to take what is not known yet",
        None => "",
    };
    let candidates = ArgValueCandidates::new(move || events(sender));
    SendEventArgs::augment_args(Command::new(name))
        .mut_arg("event", |argument| argument.add(candidates))
        .about(format!("Send what {name} sends: {}", names.join(", ")))
        .after_help(format!("Events: {}{others}.\n\nExamples:\n{examples}\n{EXIT_CODES}", names.join(", ")))
}

impl SendEventArgs {
    pub(super) fn run(&self, sender: &'static Sender) -> Result<Answer, Failure> {
        let platform = sender.platform();
        let url = self.options.url()?;
        self.check_name(sender)?;
        let samples = self.samples(sender)?;
        let extra = self.options.headers(&made_headers(platform, &samples[0]))?;
        let keys = self.keys(sender)?;
        let signing = signing(&keys);
        let file = self.options.body.as_deref().map(body::read).transpose()?;
        let mut private =
            Private { keys: keys.iter().map(Key::hidden).cloned().collect(), ..Private::default() };
        if !signs(platform) {
            private.sent.extend(Private::token(&url));
        }
        let mut told = Vec::new();
        let requests: Vec<Outgoing> = samples
            .iter()
            .map(|sample| {
                let body = file.clone().unwrap_or_else(|| sample.body().into_bytes());
                told.push(Told::new(sample, &body));
                let mut signed = Signed::new(platform, sample, body, signing.as_ref());
                private.signatures.append(&mut signed.signatures);
                if self.tamper {
                    signed = signed.tampered(platform);
                }
                signed.headers.extend(extra.clone());
                Outgoing {
                    method: signed.method.clone(),
                    url: signed.url(&url),
                    headers: signed.headers,
                    body: signed.body.into(),
                    framing: self.options.framing(),
                }
            })
            .collect();
        let intent = if self.tamper || self.unsigned { Intent::Forged } else { Intent::Genuine };
        let sent = Sent {
            platform: platform.name(),
            kind: &self.event,
            url: shown::url(&url, !signs(platform)),
            requests: &requests,
            told,
            total: self.options.repeat as usize,
            ack: platform.ack(),
            expected: self.options.expect.unwrap_or(Expected::of(intent)),
            private,
            verbose: self.options.verbose,
            notes: self.notes(sender, signing.as_ref()),
        };
        if let Some(preview) = self.options.preview() {
            return sent.preview(preview);
        }
        let repeated = (0..sent.total).map(|place| requests[place % requests.len()].clone());
        let judged = signing.iter().fold(samples[0].clone(), Sample::judged_by);
        let judge = Judge { ack: platform.ack(), of: &|answer, took| judged.judge(answer, took) };
        let delivered = Courier::new(self.options.timeout())?.deliver(
            repeated,
            self.options.concurrency as usize,
            &judge,
            intent,
            "",
        )?;
        Ok(sent.answer(&delivered))
    }

    /// A name that is nearly a documented one is a slip of the pen, unless it is meant.
    fn check_name(&self, sender: &'static Sender) -> Result<(), Failure> {
        if self.unknown || sender.named(&self.event).is_some() {
            return Ok(());
        }
        let Some(near) = nearest(&self.event, platform::names(sender)) else { return Ok(()) };
        let message = format!("{} sends no {}", sender.platform().name(), self.event);
        Err(Failure::new(message, format!("did you mean {near}? --unknown sends it as it is")))
    }

    /// The event, or one for each repetition.
    fn samples(&self, sender: &'static Sender) -> Result<Vec<Sample>, Failure> {
        let count = if self.fresh { self.options.repeat } else { 1 };
        (0..count).map(|_| self.fields.sample(sender, &self.event)).collect()
    }

    /// The key that signs, and the one before it, if any.
    fn keys(&self, sender: &'static Sender) -> Result<Vec<Key>, Failure> {
        let platform = sender.platform();
        if !signs(platform) {
            if self.tamper || self.unsigned {
                return Err(Failure::new(
                    format!("{} signs nothing, so no receiver can tell", platform.name()),
                    "leave --tamper and --unsigned out",
                ));
            }
            return Ok(Vec::new());
        }
        if self.unsigned {
            return Ok(Vec::new());
        }
        Ok([Some(self.secret.read(platform)?), self.previous.read(platform)?].into_iter().flatten().collect())
    }

    fn notes(&self, sender: &'static Sender, signing: Option<&SigningKeys>) -> Vec<String> {
        let mut notes = Vec::new();
        if sender.named(&self.event).is_none() {
            notes.push(
                "this event is not one that is documented: a receiver has to take it all the same".into(),
            );
        }
        if let Some(public) = signing.and_then(SigningKeys::public_key) {
            notes.push(format!(
                "signed with the private key of this one, which the receiver has to know:\n{}",
                public.trim_end()
            ));
        }
        if self.tamper {
            notes.push("what is signed was changed afterwards: a receiver has to refuse it".into());
        }
        if self.unsigned {
            notes.push("there is no signature: a receiver has to refuse it".into());
        }
        notes
    }
}

/// The keys together, the first of them the current one.
fn signing(keys: &[Key]) -> Option<SigningKeys> {
    let (current, previous) = (keys.first()?.signing().clone(), keys.get(1));
    Some(match previous {
        Some(previous) => current.with_previous(previous.signing().clone()),
        None => current,
    })
}
