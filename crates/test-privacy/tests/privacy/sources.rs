//! Which types there are, of what, and which implement `Debug`: read from the sources of the libraries.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use syn::{Attribute, Field, Fields, File, GenericArgument, Item, ItemImpl, PathArguments, Type, Visibility};

/// Values of these cannot hold a stranger's text. Bytes can: a list of any of them counts as text.
const NUMBERS: [&str; 20] = [
    "AtomicBool",
    "AtomicU64",
    "Duration",
    "ErrorKind",
    "Instant",
    "PhantomData",
    "SocketAddr",
    "SystemTime",
    "bool",
    "char",
    "f64",
    "i32",
    "i64",
    "u16",
    "u32",
    "u64",
    "u8",
    "usize",
    "IpAddr",
    "NonZeroUsize",
];

/// The types of one library.
#[derive(Default)]
pub(crate) struct Library {
    /// By their paths, as `std::any::type_name` has them.
    types: BTreeMap<String, Kind>,
    /// Paths of those that implement `Debug` by hand; the last part alone is known.
    by_hand: Vec<String>,
}

/// What there is to know of a type.
struct Kind {
    is_public: bool,
    derives_debug: bool,
    fields: Vec<Part>,
}

/// One field; its name is empty where it has none.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) of: Type,
}

impl Library {
    /// The libraries of this workspace. `crates/test-*` serve tests only.
    pub(crate) fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let folders = fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path());
        let published =
            folders.filter(|it| it.file_name().unwrap().to_string_lossy().starts_with("lifecycle-"));
        let all = published.chain([root.join("examples/shared")]);
        all.filter(|folder| folder.join("src/lib.rs").is_file()).map(|folder| Self::read(&folder)).collect()
    }

    /// What is in this folder of the workspace's, a program too.
    pub(crate) fn of(name: &str) -> Self {
        Self::read(&Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(1).unwrap().join(name))
    }

    /// All of its types by their paths, with their fields.
    pub(crate) fn types(&self) -> impl Iterator<Item = (&str, &[Part])> {
        self.types.iter().map(|(path, kind)| (path.as_str(), kind.fields.as_slice()))
    }

    fn read(folder: &Path) -> Self {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let name = manifest.lines().find_map(|line| line.strip_prefix("name = ")).unwrap();
        let mut library = Self::default();
        library.folder(&folder.join("src"), &name.trim_matches('"').replace('-', "_"));
        library
    }

    /// Public types that implement `Debug` and have a place for a text.
    pub(crate) fn to_be_shown(&self) -> impl Iterator<Item = &str> {
        let shown = self.types.iter().filter(|(path, kind)| {
            let name = last(path);
            let is_shown = kind.derives_debug || self.by_hand.iter().any(|own| own == name);
            kind.is_public && is_shown && kind.fields.iter().any(|field| self.can_hold_text(&field.of, 0))
        });
        shown.map(|(path, _)| path.as_str())
    }

    fn folder(&mut self, folder: &Path, module: &str) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let inner = if ["lib", "main", "mod"].contains(&stem) {
                module.to_owned()
            } else {
                format!("{module}::{stem}")
            };
            if path.is_dir() {
                self.folder(&path, &inner);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let file =
                    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                self.items(file.items, &inner);
            }
        }
    }

    fn items(&mut self, items: Vec<Item>, module: &str) {
        for item in items {
            match item {
                Item::Enum(it) => {
                    let fields = it.variants.into_iter().flat_map(|variant| parts(variant.fields));
                    self.note(&format!("{module}::{}", it.ident), &it.vis, &it.attrs, fields.collect());
                }
                Item::Struct(it) => {
                    self.note(&format!("{module}::{}", it.ident), &it.vis, &it.attrs, parts(it.fields));
                }
                Item::Impl(it) => self.by_hand.extend(debugged(&it)),
                Item::Macro(it) => {
                    // Such as `pin_project!`, which has items in it.
                    if let Ok(file) = it.mac.parse_body::<File>() {
                        self.items(file.items, module);
                    }
                }
                Item::Mod(it) if !is_test(&it.attrs) => {
                    if let Some((_, items)) = it.content {
                        self.items(items, &format!("{module}::{}", it.ident));
                    }
                }
                _ => {}
            }
        }
    }

    fn note(&mut self, path: &str, vis: &Visibility, attributes: &[Attribute], fields: Vec<Part>) {
        let is_public = matches!(vis, Visibility::Public(_));
        let kind = Kind { is_public, derives_debug: derives_debug(attributes), fields };
        self.types.insert(path.to_owned(), kind);
    }

    fn can_hold_text(&self, field: &Type, depth: usize) -> bool {
        let Type::Path(path) = field else { return !is_constant(field) };
        let Some(segment) = path.path.segments.last() else { return true };
        let name = segment.ident.to_string();
        if NUMBERS.contains(&name.as_str()) {
            return false;
        }
        if name == "Option" {
            return inner(&segment.arguments).iter().any(|it| self.can_hold_text(it, depth));
        }
        // A type of this library, if there is but one of that name. Others may hold anything.
        let mut own = self.types.iter().filter(|(path, _)| last(path) == name);
        match (own.next(), own.next()) {
            (Some((_, kind)), None) if depth < 8 => {
                kind.fields.iter().any(|it| self.can_hold_text(&it.of, depth + 1))
            }
            _ => true,
        }
    }
}

pub(crate) fn last(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

fn parts(fields: Fields) -> Vec<Part> {
    let name = |field: &Field| field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
    fields.into_iter().map(|field| Part { name: name(&field), of: field.ty }).collect()
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|it| it.path().is_ident("cfg") && it.parse_args::<syn::Ident>().is_ok_and(|what| what == "test"))
}

fn derives_debug(attributes: &[Attribute]) -> bool {
    let mut found = false;
    for attribute in attributes.iter().filter(|it| it.path().is_ident("derive")) {
        attribute
            .parse_nested_meta(|derived| {
                found |= derived.path.segments.last().is_some_and(|it| it.ident == "Debug");
                Ok(())
            })
            .unwrap();
    }
    found
}

/// The last part of the name of the type for which this implements `Debug`.
fn debugged(it: &ItemImpl) -> Option<String> {
    let (_, of, _) = it.trait_.as_ref()?;
    let Type::Path(path) = &*it.self_ty else { return None };
    let is_debug = of.segments.last().is_some_and(|it| it.ident == "Debug");
    is_debug.then(|| path.path.segments.last().map(|it| it.ident.to_string())).flatten()
}

/// What stands in the program and comes from nobody: references for ever, and functions.
fn is_constant(field: &Type) -> bool {
    match field {
        Type::Reference(it) => it.lifetime.as_ref().is_some_and(|it| it.ident == "static"),
        Type::BareFn(_) => true,
        Type::Tuple(it) => it.elems.is_empty(),
        _ => false,
    }
}

pub(crate) fn inner(arguments: &PathArguments) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else { return Vec::new() };
    let types = arguments.args.iter().filter_map(|it| match it {
        GenericArgument::Type(it) => Some(it),
        _ => None,
    });
    types.collect()
}
