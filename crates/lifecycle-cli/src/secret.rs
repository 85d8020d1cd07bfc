//! Secret: how commands are given one, and that they never show it.

#![expect(clippy::doc_markdown, reason = "comments on options are the program's help, shown as they stand")]

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use lifecycle_core::{Platform, Proof, SecretError};
use lifecycle_testing::{RSA_OTHER_TEST_KEY, SigningKeyError, SigningKeys};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::body;
use crate::failure::Failure;

const PREVIOUS: &str = "the previous secret";

/// Text that is never shown, as an option's value.
#[derive(Clone)]
pub(crate) struct SecretText(Zeroizing<String>);

impl SecretText {
    pub(crate) fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// What a variable or a file held.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        std::str::from_utf8(bytes)
            .map(Self::new)
            .map_err(|_| Failure::new("a secret is not UTF-8", "save it as UTF-8 text"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretText {
    type Err = std::convert::Infallible; // an error of an option's value would repeat the value

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(redacted)")
    }
}

/// What the platform signs with: a secret, or a key.
#[derive(Args, Debug)]
#[group(id = "signing-secret", multiple = false)]
pub(crate) struct SigningSecretArgs {
    /// The signing secret itself, or the platform's key. Beware: other users of this machine see it in the process list,
    /// and your shell keeps it in its history
    #[arg(id = "secret", long, value_name = "TEXT", help_heading = "Secret")]
    text: Option<SecretText>,
    /// The environment variable that holds the secret or key [default: the platform's, such as
    /// SEISMIC_SIGNING_SECRET, if it is set; else you are asked for it]
    #[arg(id = "secret-env", long, value_name = "NAME", help_heading = "Secret")]
    variable: Option<String>,
    /// The file that holds the secret or key; one line break at its end is not part of it
    #[arg(id = "secret-file", long, value_name = "FILE", help_heading = "Secret")]
    file: Option<PathBuf>,
}

/// The same from before a rotation.
#[derive(Args, Debug)]
#[group(id = "previous-signing-secret", multiple = false)]
pub(crate) struct PreviousSecretArgs {
    /// The secret or key from before a rotation. Beware: it is seen in the process list
    #[arg(id = "previous-secret", long, value_name = "TEXT", help_heading = "Secret")]
    text: Option<SecretText>,
    /// The environment variable that holds the previous one
    #[arg(id = "previous-secret-env", long, value_name = "NAME", help_heading = "Secret")]
    variable: Option<String>,
    /// The file that holds the previous one
    #[arg(id = "previous-secret-file", long, value_name = "FILE", help_heading = "Secret")]
    file: Option<PathBuf>,
}

/// The same for a command that can do without one.
#[derive(Args, Debug)]
#[group(id = "optional-signing-secret", multiple = false)]
pub(crate) struct OptionalSecretArgs {
    /// The signing secret itself, or the platform's key. Beware: it is seen in the process list
    #[arg(id = "secret", long, value_name = "TEXT", help_heading = "Secret")]
    text: Option<SecretText>,
    /// The environment variable that holds the secret or key
    #[arg(id = "secret-env", long, value_name = "NAME", help_heading = "Secret")]
    variable: Option<String>,
    /// The file that holds the secret or key
    #[arg(id = "secret-file", long, value_name = "FILE", help_heading = "Secret")]
    file: Option<PathBuf>,
}

impl OptionalSecretArgs {
    /// The secret that the options name, if any.
    pub(crate) fn read(&self, platform: &Platform) -> Result<Option<Key>, Failure> {
        let given = given(self.text.as_ref(), self.variable.as_deref(), self.file.as_deref())?;
        given.map(|bytes| Key::new(&the(platform), platform, bytes)).transpose()
    }
}

impl SigningSecretArgs {
    /// The secret that the options name; else that of the platform's variable; else what the user types.
    pub(crate) fn read(&self, platform: &Platform) -> Result<Key, Failure> {
        Key::new(&the(platform), platform, self.bytes(platform)?)
    }

    /// The same as it was given, also where no secret is like that.
    pub(crate) fn read_unchecked(&self, platform: &Platform) -> Result<Hidden, Failure> {
        Hidden::new(&the(platform), self.bytes(platform)?)
    }

    /// The public key that the options name, else that of the platform's variable, such as `DISCORD_PUBLIC_KEY`.
    pub(crate) fn read_public(&self, platform: &Platform) -> Result<Option<Hidden>, Failure> {
        self.read_set("the public key", &lifecycle_testing::variable(platform, "PUBLIC_KEY"))
    }

    /// The secret as it was given, if it was: nobody is asked.
    pub(crate) fn read_if_given(&self, platform: &Platform) -> Result<Option<Hidden>, Failure> {
        self.read_set(&the(platform), &default_variable(platform))
    }

    fn read_set(&self, what: &str, variable: &str) -> Result<Option<Hidden>, Failure> {
        let given = given(self.text.as_ref(), self.variable.as_deref(), self.file.as_deref())?;
        let value = match given {
            None => variable_or_file(variable)?,
            given => given,
        };
        value.map(|value| Hidden::new(what, value)).transpose()
    }

    /// What to know where the secret's file ends with a line break, which was taken off.
    pub(crate) fn line_break_note(&self) -> Option<String> {
        let bytes = body::read(self.file.as_deref()?).map(Zeroizing::new).ok()?;
        let note = "the secret's file ends with a line break, which is not part of the secret here: does your receiver take it off, too?";
        bytes.ends_with(b"\n").then(|| note.to_owned())
    }

    fn bytes(&self, platform: &Platform) -> Result<Zeroizing<Vec<u8>>, Failure> {
        if let Some(given) = given(self.text.as_ref(), self.variable.as_deref(), self.file.as_deref())? {
            return Ok(given);
        }
        let variable = default_variable(platform);
        if let Some(bytes) = variable_or_file(&variable)? {
            return Ok(bytes);
        }
        if !stdin().is_terminal() {
            return Err(Failure::new(
                format!("no {}", name(platform)),
                format!("give --secret-env NAME, --secret-file FILE or --secret TEXT, or set {variable}"),
            ));
        }
        let prompt = format!("Please type {} (it is not shown): ", the(platform));
        let typed = rpassword::prompt_password(prompt).map_err(|error| {
            Failure::new(
                format!("{} could not be read from the terminal: {error}", the(platform)),
                "give --secret-file FILE",
            )
        })?;
        Ok(Zeroizing::new(typed.into_bytes()))
    }
}

impl PreviousSecretArgs {
    /// The secret that the options name, if any.
    pub(crate) fn read(&self, platform: &Platform) -> Result<Option<Key>, Failure> {
        self.bytes()?.map(|bytes| Key::new(PREVIOUS, platform, bytes)).transpose()
    }

    /// The same as it was given, also where no secret is like that.
    pub(crate) fn read_unchecked(&self) -> Result<Option<Hidden>, Failure> {
        self.bytes()?.map(|bytes| Hidden::new(PREVIOUS, bytes)).transpose()
    }

    fn bytes(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        given(self.text.as_ref(), self.variable.as_deref(), self.file.as_deref())
    }
}

/// A value that reports leave out.
#[derive(Clone)]
pub(crate) struct Hidden(Zeroizing<Vec<u8>>);

impl Hidden {
    fn new(what: &str, bytes: Zeroizing<Vec<u8>>) -> Result<Self, Failure> {
        if bytes.trim_ascii().is_empty() {
            return Err(empty(what));
        }
        Ok(Self(bytes))
    }

    /// As it was given.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text with this in place of each occurrence of the value.
    pub(crate) fn redact(&self, text: &str, shown: &str) -> String {
        match std::str::from_utf8(&self.0) {
            Ok(own) if !own.is_empty() => text.replace(own, shown),
            _ => text.to_owned(), // a text cannot hold what is none
        }
    }
}

impl From<&str> for Hidden {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.as_bytes().to_vec()))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(redacted)")
    }
}

/// A key of a platform: as it was given, and as the platform signs with it.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    hidden: Hidden,
    signing: SigningKeys,
}

impl Key {
    fn new(what: &str, platform: &Platform, bytes: Zeroizing<Vec<u8>>) -> Result<Self, Failure> {
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Failure::new(format!("{what} is not UTF-8"), "save it as UTF-8 text"))?;
        let signing = SigningKeys::parse(platform, text).map_err(|error| match error {
            SigningKeyError::Secret(SecretError::Blank) => empty(what),
            error => Failure::new(
                format!("{what} cannot be used: {error}"),
                "if your receiver has it so, that is why its signatures differ",
            ),
        })?;
        Ok(Self { hidden: Hidden(bytes), signing })
    }

    /// One that no receiver has.
    pub(crate) fn unknown(platform: &Platform) -> Self {
        // 64 hex digits are a key of every other sort.
        let text = if platform.proof().uses_rsa() {
            RSA_OTHER_TEST_KEY.to_owned()
        } else {
            format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
        };
        Self::new(&the(platform), platform, Zeroizing::new(text.into_bytes())).expect("they are a key")
    }

    /// As the platform signs with it.
    pub(crate) fn signing(&self) -> &SigningKeys {
        &self.signing
    }

    /// As it was given.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.hidden.0).unwrap_or_default() // it was one when it was read
    }

    /// As a value that reports leave out.
    pub(crate) fn hidden(&self) -> &Hidden {
        &self.hidden
    }
}

/// The variable that is read when no option names a secret, such as `SEISMIC_SIGNING_SECRET`: the one that the example apps read or,
/// where a platform signs with a private key, print.
pub(crate) fn default_variable(platform: &Platform) -> String {
    lifecycle_testing::variable(platform, &name(platform).replace(' ', "_").to_uppercase())
}

/// What the platform signs with.
fn name(platform: &Platform) -> &'static str {
    let is_private = matches!(platform.proof(), Proof::PublicKey(_)) || platform.proof().uses_rsa();
    if is_private { "private key" } else { "signing secret" }
}

fn the(platform: &Platform) -> String {
    format!("the {}", name(platform))
}

fn empty(what: &str) -> Failure {
    Failure::new(format!("{what} is empty"), "is its variable set, or its file written?")
}

fn given(
    text: Option<&SecretText>,
    name: Option<&str>,
    file: Option<&Path>,
) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    if let Some(text) = text {
        return Ok(Some(Zeroizing::new(text.as_str().as_bytes().to_vec())));
    }
    if let Some(name) = name {
        return variable(name).map(Some);
    }
    file.map(in_file).transpose()
}

/// The value of an environment variable.
pub(crate) fn variable(name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // `env::var_os` panics on names that no variable can have.
    let value = if name.is_empty() || name.contains(['=', '\0']) { None } else { env::var_os(name) };
    let value = value.ok_or_else(|| {
        Failure::new(
            format!("the environment variable {name} is not set"),
            format!("export {name}=..., then try again"),
        )
    })?;
    let text = value.into_string().map_err(|_| {
        Failure::new(format!("the environment variable {name} is not UTF-8"), "give the secret in a file")
    })?;
    Ok(Zeroizing::new(text.into_bytes()))
}

/// The value of an environment variable, or the content of the file that the one with `_FILE` behind its name names, as the
/// example apps read it; `None` where neither is set.
pub(crate) fn variable_or_file(name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let file_variable = format!("{name}_FILE");
    match (set(name), set(&file_variable)) {
        (Some(_), Some(_)) => {
            Err(Failure::new(format!("{name} and {file_variable} are both set"), "unset one of them"))
        }
        (Some(_), None) => variable(name).map(Some),
        (None, Some(file)) => in_file(Path::new(&file)).map(Some),
        (None, None) => Ok(None),
    }
}

/// The content of a file, without one line break at its end, which editors and `echo` add.
pub(crate) fn in_file(file: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if file.as_os_str() == OsStr::new("-") {
        return Err(Failure::new("a secret cannot come from the standard input", "give a file's path"));
    }
    let mut bytes = Zeroizing::new(body::read(file)?);
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    Ok(bytes)
}
