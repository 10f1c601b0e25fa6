//! Reads the crate's own source, and that of chainspec's types in it: what methods and types there are, whatever the document says.

use syn::{Attribute, Expr, Field, Fields, FnArg, Item, Lit, Meta, Pat, TraitItem, Type};

/// A method as its trait declares it.
#[derive(Debug)]
pub struct Declared {
    pub name: String,
    pub summary: String,
    /// Names, and whether they must be given.
    pub parameters: Vec<(String, bool)>,
}

/// A struct or enum of the wire: names of its fields (and whether they must be present) or of its variants.
#[derive(Debug)]
pub struct DeclaredType {
    pub name: String,
    pub fields: Vec<(String, bool)>,
    /// Types whose fields it has as well (`flatten`).
    flattened: Vec<String>,
    pub variants: Vec<String>,
}

fn parse(source: &str) -> Vec<Item> {
    syn::parse_file(source).expect("the crate compiles, so it parses").items
}

pub fn methods() -> Vec<Declared> {
    let sources = [
        include_str!("../../src/debug.rs"),
        include_str!("../../src/eth.rs"),
        include_str!("../../src/node.rs"),
        include_str!("../../src/ledger.rs"),
    ];
    let mut found = Vec::new();
    for item in sources.iter().flat_map(|source| parse(source)) {
        let Item::Trait(declared) = item else { continue };
        let namespace = declared
            .attrs
            .iter()
            .find_map(|attribute| named(attribute, "namespace"));
        for item in declared.items {
            let TraitItem::Fn(function) = item else { continue };
            let name = function
                .attrs
                .iter()
                .filter(|attribute| attribute.path().is_ident("method") || attribute.path().is_ident("subscription"))
                .find_map(|attribute| named(attribute, "name"))
                .expect("every function is a method or a subscription");
            let parameters = function.sig.inputs.iter().filter_map(|argument| match argument {
                FnArg::Receiver(_) => None,
                FnArg::Typed(typed) => {
                    let Pat::Ident(name) = typed.pat.as_ref() else {
                        panic!("arguments are plain names")
                    };
                    Some((camel(&name.ident.to_string()), !is_option(&typed.ty)))
                }
            });
            found.push(Declared {
                name: namespace
                    .as_ref()
                    .map_or(name.clone(), |space| format!("{space}_{name}")),
                summary: documentation(&function.attrs),
                parameters: parameters.collect(),
            });
        }
    }
    found
}

/// The types, each with all fields that it has in JSON.
pub fn types() -> Vec<DeclaredType> {
    let parts = parse_types(&[include_str!("../../../../chainspec/src/checkpoint.rs")]);
    let mut declared = own_types();
    for one in &mut declared {
        let mut open = one.flattened.clone();
        while let Some(name) = open.pop() {
            let part = parts.iter().find(|part| part.name == name);
            let part = part.unwrap_or_else(|| panic!("{name} is in none of the sources"));
            one.fields.extend(part.fields.iter().cloned());
            open.extend(part.flattened.iter().cloned());
        }
    }
    declared
}

fn own_types() -> Vec<DeclaredType> {
    parse_types(&[
        include_str!("../../src/types/chain.rs"),
        include_str!("../../src/types/checkpoint.rs"),
        include_str!("../../src/types/code.rs"),
        include_str!("../../src/types/consensus.rs"),
        include_str!("../../src/types/governance.rs"),
        include_str!("../../src/types/news.rs"),
        include_str!("../../src/types/pool.rs"),
        include_str!("../../src/types/proof.rs"),
        include_str!("../../src/types/recovery.rs"),
        include_str!("../../src/types/routing.rs"),
        include_str!("../../src/types/usage.rs"),
    ])
}

fn parse_types(sources: &[&str]) -> Vec<DeclaredType> {
    let declared = |item| match item {
        Item::Struct(item) => {
            let Fields::Named(fields) = item.fields else {
                panic!("fields are named")
            };
            let (flattened, plain): (Vec<_>, Vec<_>) = fields.named.iter().partition(|field| is_flattened(field));
            let fields = plain.iter().map(|field| {
                let name = field.ident.as_ref().expect("named").to_string();
                (camel(&name), !is_option(&field.ty))
            });
            Some(DeclaredType {
                name: item.ident.to_string(),
                fields: fields.collect(),
                flattened: flattened.iter().map(|field| type_name(&field.ty)).collect(),
                variants: Vec::new(),
            })
        }
        Item::Enum(item) => {
            let variants = item
                .variants
                .iter()
                .filter(|variant| matches!(variant.fields, Fields::Unit));
            let variants = variants
                .map(|variant| lower_first(&variant.ident.to_string()))
                .collect();
            Some(DeclaredType {
                name: item.ident.to_string(),
                fields: Vec::new(),
                flattened: Vec::new(),
                variants,
            })
        }
        _ => None,
    };
    sources
        .iter()
        .flat_map(|source| parse(source))
        .filter_map(declared)
        .collect()
}

/// The value of `key = "value"` anywhere in an attribute.
fn named(attribute: &Attribute, key: &str) -> Option<String> {
    let Meta::List(list) = &attribute.meta else { return None };
    let text = list.tokens.to_string();
    let (_, rest) = text.split_once(&format!("{key} = \""))?;
    Some(rest.split_once('"')?.0.to_owned())
}

fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else {
            return None;
        };
        let (true, Expr::Lit(literal)) = (pair.path.is_ident("doc"), &pair.value) else {
            return None;
        };
        let Lit::Str(text) = &literal.lit else { return None };
        Some(text.value().trim().to_owned())
    });
    lines.collect::<Vec<_>>().join(" ")
}

fn is_flattened(field: &Field) -> bool {
    field.attrs.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else {
            return false;
        };
        list.path.is_ident("serde") && list.tokens.to_string().split(',').any(|word| word.trim() == "flatten")
    })
}

/// The last part of a type's path.
fn type_name(ty: &Type) -> String {
    let Type::Path(path) = ty else { return String::new() };
    let last = path.path.segments.last();
    last.map_or_else(String::new, |last| last.ident.to_string())
}

fn is_option(ty: &Type) -> bool {
    type_name(ty) == "Option"
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |joined, part| {
        let (initial, rest) = part.split_at(1);
        joined + &initial.to_uppercase() + rest
    })
}

fn lower_first(name: &str) -> String {
    let (initial, rest) = name.split_at(1);
    initial.to_lowercase() + rest
}
