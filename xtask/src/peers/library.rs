//! Libraries: which ones there are, what each can do, and where it is known to decide otherwise.

/// A library that signs or verifies the webhooks of one platform.
pub(crate) struct Library {
    /// Its name in the registry of its language, by which the driver knows it.
    pub(crate) name: &'static str,
    pub(crate) language: Language,
    pub(crate) platform: &'static str,
    pub(crate) signs: bool,
    pub(crate) verifies: bool,
    pub(crate) deviations: &'static [Deviation],
}

/// A language with a driver of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Language {
    Node,
    Python,
}

/// A case that a library is known to decide otherwise, with the reason why ours stays as it is.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Deviation {
    pub(crate) case: &'static str,
    pub(crate) why: &'static str,
}

impl Language {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Node => "Node",
            Self::Python => "Python",
        }
    }
}

impl Library {
    const fn new(language: Language, name: &'static str, platform: &'static str) -> Self {
        Self { name, language, platform, signs: false, verifies: false, deviations: &[] }
    }

    const fn signs(mut self) -> Self {
        self.signs = true;
        self
    }

    const fn verifies(mut self, deviations: &'static [Deviation]) -> Self {
        self.verifies = true;
        self.deviations = deviations;
        self
    }

    /// Why it decides a case otherwise, if it is known to.
    pub(crate) fn deviation(&self, case: &str) -> Option<&'static Deviation> {
        self.deviations.iter().find(|deviation| deviation.case == case)
    }

    /// Whether it is no vendor's, but the documented formula, written with the language's own cryptography.
    pub(crate) fn is_formula(&self) -> bool {
        self.name == FORMULA
    }
}

/// What stands in where a vendor has no library that signs, or none at all.
const FORMULA: &str = "node:crypto";

/// All of them, in the order of the report.
pub(crate) static LIBRARIES: &[Library] = &[
    Library::new(Language::Node, "@octokit/webhooks", "github").signs().verifies(&[UPPER_CASE]),
    Library::new(Language::Node, "@shopify/shopify-api", "shopify").signs().verifies(&[]),
    Library::new(Language::Node, "@slack/bolt", "slack").verifies(&[UPPER_CASE, AHEAD]),
    Library::new(Language::Python, "slack_sdk", "slack").signs().verifies(&[UPPER_CASE]),
    Library::new(Language::Node, "stripe", "stripe").signs().verifies(&[UPPER_CASE, AHEAD, LAST_TIME]),
    Library::new(Language::Python, "stripe", "stripe").signs().verifies(&[UPPER_CASE, AHEAD, FIRST_TIME]),
    Library::new(Language::Node, "standardwebhooks", "standard-webhooks").signs().verifies(&[]),
    Library::new(Language::Python, "standardwebhooks", "standard-webhooks").signs().verifies(&[]),
    Library::new(Language::Node, "@linear/sdk", "linear").verifies(&[UPPER_CASE]),
    Library::new(Language::Node, "discord-interactions", "discord").verifies(&[]),
    Library::new(Language::Node, "@zoom/rivet", "zoom").verifies(&[
        UPPER_CASE,
        Deviation { case: "too old", why: NO_WINDOW },
        Deviation { case: "too far ahead", why: NO_WINDOW },
        Deviation { case: "escapes", why: REWRITTEN },
        Deviation { case: "white space", why: REWRITTEN },
    ]),
    Library::new(Language::Node, "@wix/sdk", "wix").verifies(&[
        NO_END,
        CLAIM_TWICE,
        HEADER_TWICE,
        ADDRESS,
        LONG,
        NOT_CANONICAL,
        PADDED,
        Deviation { case: "before its begin, within the leeway", why: NO_LEEWAY },
        Deviation { case: "expired, within the leeway", why: NO_LEEWAY },
    ]),
    Library::new(Language::Node, "@saleor/app-sdk", "saleor").verifies(&[Deviation {
        case: "b64 without crit",
        why: "It takes `b64` without the `crit` that RFC 7797 demands beside it, by which a library without `b64` would refuse it.",
    }]),
    Library::new(Language::Node, "jose", "azure").signs().verifies(JOSE),
    Library::new(Language::Node, "jose", "bigcommerce").signs().verifies(JOSE),
    Library::new(Language::Node, "jose", "forge").signs().verifies(JOSE),
    Library::new(Language::Node, "jose", "monday").signs().verifies(JOSE),
    Library::new(Language::Node, "jose", "wix").signs().verifies(JOSE),
    Library::new(Language::Node, "jose", "saleor").signs().verifies(&[]),
    Library::new(Language::Node, "jsonwebtoken", "azure").signs().verifies(JSONWEBTOKEN_RS256),
    Library::new(Language::Node, "jsonwebtoken", "bigcommerce").signs().verifies(JSONWEBTOKEN_HS256),
    Library::new(Language::Node, "jsonwebtoken", "forge").signs().verifies(JSONWEBTOKEN_RS256),
    Library::new(Language::Node, "jsonwebtoken", "monday").signs().verifies(JSONWEBTOKEN_HS256),
    Library::new(Language::Node, "jsonwebtoken", "wix").signs().verifies(JSONWEBTOKEN_BODY),
    Library::new(Language::Python, "PyJWT", "azure").signs().verifies(PYJWT),
    Library::new(Language::Python, "PyJWT", "bigcommerce").signs().verifies(PYJWT),
    Library::new(Language::Python, "PyJWT", "forge").signs().verifies(PYJWT),
    Library::new(Language::Python, "PyJWT", "monday").signs().verifies(PYJWT),
    Library::new(Language::Python, "PyJWT", "wix").signs().verifies(PYJWT_BODY),
    Library::new(Language::Python, "PyJWT", "saleor").signs().verifies(&[]),
    Library::new(Language::Node, FORMULA, "discord").signs(),
    Library::new(Language::Node, FORMULA, "linear").signs(),
    Library::new(Language::Node, FORMULA, "seismic").signs(),
    Library::new(Language::Node, FORMULA, "slack").signs(),
    Library::new(Language::Node, FORMULA, "zoom").signs(),
];

const UPPER_CASE: Deviation = Deviation {
    case: "upper-case hex",
    why: "It compares texts. The vendor writes lower case; ours reads the digits in either.",
};
const AHEAD: Deviation = Deviation {
    case: "too far ahead",
    why: "It looks at the past only. A time ahead would keep what was captured valid until then; ours refuses both sides.",
};
const LAST_TIME: Deviation = Deviation {
    case: "time twice, last genuine",
    why: "It takes the last of two times, where the vendor's other library takes the first. Ours refuses a contradiction.",
};
const FIRST_TIME: Deviation = Deviation {
    case: "time twice, first genuine",
    why: "It takes the first of two times, where the vendor's other library takes the last. Ours refuses a contradiction.",
};

const NO_WINDOW: &str = "It looks at no time, so what was captured stays valid. Zoom's documentation names no maximum age; ours takes 5 minutes.";
const REWRITTEN: &str = "It verifies the body as `JSON.stringify` writes it again, and not the bytes that came. So it refuses a genuine one.";
const NO_LEEWAY: &str = "It allows no difference between two clocks; ours allows 10 s.";

const JOSE: &[Deviation] = &[NO_END, CLAIM_TWICE, HEADER_TWICE, ADDRESS, LONG, NOT_CANONICAL, PADDED];
const JSONWEBTOKEN_HS256: &[Deviation] = &[NO_END, CLAIM_TWICE, HEADER_TWICE, ADDRESS, LONG, CRITICAL];
const JSONWEBTOKEN_RS256: &[Deviation] =
    &[NO_END, CLAIM_TWICE, HEADER_TWICE, ADDRESS, LONG, CRITICAL, NOT_CANONICAL];
const JSONWEBTOKEN_BODY: &[Deviation] =
    &[NO_END, CLAIM_TWICE, HEADER_TWICE, ADDRESS, LONG, CRITICAL, NOT_CANONICAL, LINE_BREAK];
const PYJWT: &[Deviation] = &[NO_END, CLAIM_TWICE, HEADER_TWICE, ADDRESS, LONG, PADDED, ISSUED_AHEAD];
const PYJWT_BODY: &[Deviation] =
    &[NO_END, CLAIM_TWICE, HEADER_TWICE, ADDRESS, LONG, PADDED, ISSUED_AHEAD, LINE_BREAK];

const NO_END: Deviation = Deviation {
    case: "no end",
    why: "It demands `exp` only where its caller does. A token without an end would be good for ever.",
};
const CLAIM_TWICE: Deviation = Deviation { case: "a claim twice", why: TWICE };
const HEADER_TWICE: Deviation = Deviation { case: "a member of the header twice", why: TWICE };
const TWICE: &str =
    "It takes the last of two. Another reader of the same token could take the first; ours refuses it.";
const ADDRESS: Deviation = Deviation {
    case: "a key by its address",
    why: "It does not look at `jku`, and verifies with the key that it has. No platform sends one; ours refuses a token that would choose its key.",
};
const LONG: Deviation = Deviation {
    case: "more than 8 KiB",
    why: "It has no limit. A stranger's token is read before it is proven, so ours has one; genuine tokens have some 1 KiB.",
};
const NOT_CANONICAL: Deviation = Deviation {
    case: "base64url not canonical",
    why: "It drops the bits behind the last byte. Ours takes a token in one spelling only.",
};
const PADDED: Deviation = Deviation {
    case: "base64url with padding",
    why: "It takes the padding off, which RFC 7515 does not have. Ours takes a token in one spelling only.",
};
const CRITICAL: Deviation = Deviation {
    case: "a header that has to be understood",
    why: "It does not look at `crit`. RFC 7515 demands that what is not understood is refused.",
};
const ISSUED_AHEAD: Deviation = Deviation {
    case: "issued in an hour",
    why: "It takes `iat` for the begin. RFC 7519 has `nbf` for that, which ours goes by.",
};
const LINE_BREAK: Deviation = Deviation {
    case: "line break behind the token",
    why: "Its caller has to take white space off. Ours does, since the body is the token.",
};
