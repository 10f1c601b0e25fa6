//! Is every file, function and signature small enough to be read in one go, and does every file say what it is for?
//!
//! Reads Rust through `syn`, so that a brace in a string or a comment fools nobody.

use syn::{Attribute, Block, Expr, ImplItem, Item, Signature, Stmt, TraitItem, spanned::Spanned};

use super::{Finding, is_test_path};

/// Lines of one file without its inline tests.
pub const FILE_LINES_MAX: usize = 400;
/// Lines of one function, from `fn` to its closing brace.
pub const FUNCTION_LINES_MAX: usize = 70;
/// Lines of a function that is one exhaustive `match` and nothing else: a table, which cannot be split without a wildcard.
pub const TABLE_LINES_MAX: usize = 120;
/// Lines of one arm of such a table; longer ones are code.
const TABLE_ARM_LINES_MAX: usize = 6;
/// Lines of all inline tests of one file; more belong in `tests/it`.
pub const INLINE_TEST_LINES_MAX: usize = 150;
/// Parameters besides the receiver.
pub const PARAMETERS_MAX: usize = 5;
/// Type parameters of one function or type.
pub const TYPE_PARAMETERS_MAX: usize = 2;

/// Everything wrong with the sizes of one Rust file.
pub fn check_rust(path: &str, text: &str) -> Vec<Finding> {
    let file = match syn::parse_file(text) {
        Ok(file) => file,
        Err(error) => {
            return vec![Finding::new(
                path,
                error.span().start().line,
                format!("does not parse: {error}"),
            )];
        }
    };
    let mut rooms = Rooms {
        path,
        test_lines: 0,
        findings: Vec::new(),
    };
    if !file.attrs.iter().any(is_inner_doc) {
        rooms.note(
            1,
            "starts without a `//!` page: the question it answers, who calls, what it never does",
        );
    }
    rooms.items(&file.items);
    let lines = text.lines().count() - rooms.test_lines;
    if lines > FILE_LINES_MAX && !is_test_path(path) {
        rooms.note(
            0,
            format!("{lines} lines without its tests, at most {FILE_LINES_MAX}: split it by idea"),
        );
    }
    if rooms.test_lines > INLINE_TEST_LINES_MAX && !is_test_path(path) {
        let message = format!(
            "{} lines of inline tests, at most {INLINE_TEST_LINES_MAX}: move them to tests/it",
            rooms.test_lines
        );
        rooms.note(0, message);
    }
    rooms.findings
}

/// Everything wrong with the length of one file of another language, whose functions its own linter measures.
pub fn check_lines(path: &str, text: &str) -> Vec<Finding> {
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX && !is_test_path(path) {
        return vec![Finding::new(
            path,
            0,
            format!("{lines} lines, at most {FILE_LINES_MAX}: split it by idea"),
        )];
    }
    Vec::new()
}

struct Rooms<'a> {
    path: &'a str,
    test_lines: usize,
    findings: Vec<Finding>,
}

impl Rooms<'_> {
    fn note(&mut self, line: usize, what: impl Into<String>) {
        self.findings.push(Finding::new(self.path, line, what));
    }

    fn items(&mut self, items: &[Item]) {
        for item in items {
            if attributes(item).iter().any(is_cfg_test) {
                let first = attributes(item).first().map_or(item.span(), Spanned::span).start().line;
                self.test_lines += item.span().end().line - first + 1;
                continue;
            }
            match item {
                Item::Fn(function) => {
                    self.function(&function.sig, Some(function.block.as_ref()));
                }
                Item::Impl(block) => {
                    for member in &block.items {
                        if let ImplItem::Fn(function) = member {
                            self.function(&function.sig, Some(&function.block));
                        }
                    }
                }
                Item::Trait(definition) => {
                    for member in &definition.items {
                        if let TraitItem::Fn(function) = member {
                            self.function(&function.sig, function.default.as_ref());
                        }
                    }
                }
                Item::Mod(module) => {
                    if let Some((_, items)) = &module.content {
                        self.items(items);
                    }
                }
                _ => {}
            }
        }
    }

    fn function(&mut self, signature: &Signature, body: Option<&Block>) {
        let first = signature.span().start().line;
        let name = &signature.ident;
        let lines = body.map_or(signature.span(), Spanned::span).end().line - first + 1;
        let most = if body.is_some_and(is_table) {
            TABLE_LINES_MAX
        } else {
            FUNCTION_LINES_MAX
        };
        if lines > most && !is_test_path(self.path) {
            self.note(first, format!("`{name}` has {lines} lines, at most {most}"));
        }
        let parameters = signature
            .inputs
            .iter()
            .filter(|input| matches!(input, syn::FnArg::Typed(_)))
            .count();
        if parameters > PARAMETERS_MAX {
            self.note(
                first,
                format!("`{name}` has {parameters} parameters, at most {PARAMETERS_MAX}: name a struct"),
            );
        }
        let types = signature.generics.type_params().count();
        if types > TYPE_PARAMETERS_MAX {
            self.note(
                first,
                format!("`{name}` has {types} type parameters, at most {TYPE_PARAMETERS_MAX}"),
            );
        }
    }
}

fn is_table(body: &Block) -> bool {
    let [Stmt::Expr(Expr::Match(table), None)] = body.stmts.as_slice() else {
        return false;
    };
    let lines = |arm: &syn::Arm| arm.span().end().line - arm.span().start().line + 1;
    let has_wildcard = |arm: &syn::Arm| matches!(arm.pat, syn::Pat::Wild(_) | syn::Pat::Ident(_));
    table
        .arms
        .iter()
        .all(|arm| lines(arm) <= TABLE_ARM_LINES_MAX && !has_wildcard(arm))
}

fn is_inner_doc(attribute: &Attribute) -> bool {
    matches!(attribute.style, syn::AttrStyle::Inner(_)) && attribute.path().is_ident("doc")
}

/// `#[cfg(test)]`, `#[cfg(any(test, ..))]` excluded: the latter ships.
pub(super) fn is_cfg_test(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<syn::Path>()
            .is_ok_and(|condition| condition.is_ident("test"))
}

pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whats(path: &str, text: &str) -> Vec<String> {
        check_rust(path, text).into_iter().map(|finding| finding.what).collect()
    }

    fn lines(count: usize) -> String {
        "    let _ = 1;\n".repeat(count)
    }

    #[test]
    fn a_small_file_with_its_page_passes() {
        assert!(whats("a/src/lib.rs", "//! Page.\nfn f(a: u8) {}\n").is_empty());
    }

    #[test]
    fn a_file_without_its_page_is_found() {
        assert!(whats("a/src/lib.rs", "fn f() {}\n")[0].contains("`//!` page"));
    }

    #[test]
    fn a_long_function_is_found_also_inside_impl_and_trait() {
        for (open, close) in [
            ("", ""),
            ("struct S; impl S {\n", "}\n"),
            ("trait T {\n", "}\n"),
            ("mod m {\n", "}\n"),
        ] {
            let text = |count| format!("//! Page.\n{open}fn long() {{\n{}}}\n{close}", lines(count));
            assert!(whats("a/src/lib.rs", &text(68)).is_empty(), "{open}");
            assert_eq!(
                whats("a/src/lib.rs", &text(69)),
                ["`long` has 71 lines, at most 70"],
                "{open}"
            );
        }
    }

    #[test]
    fn a_table_may_be_longer_but_only_without_a_wildcard_and_with_short_arms() {
        let text = |arms: usize, last: &str| {
            let arms = "        E::A => 1,\n".repeat(arms);
            format!("//! Page.\nfn table(e: E) -> u8 {{\n    match e {{\n{arms}{last}    }}\n}}\n")
        };
        assert!(whats("a/src/lib.rs", &text(116, "")).is_empty());
        assert_eq!(
            whats("a/src/lib.rs", &text(117, "")),
            ["`table` has 121 lines, at most 120"]
        );
        assert_eq!(whats("a/src/lib.rs", &text(80, "        _ => 2,\n")).len(), 1);
        let long_arm = format!("        E::B => {{\n{}}}\n", lines(6));
        assert_eq!(whats("a/src/lib.rs", &text(80, &long_arm)).len(), 1);
        let code = text(80, "").replace("    match e", "    let e = e;\n    match e");
        assert_eq!(whats("a/src/lib.rs", &code).len(), 1);
    }

    #[test]
    fn inline_tests_do_not_count_as_the_file_but_have_their_own_limit() {
        let functions = "fn f() {}\n".repeat(390);
        let tests = |count: usize| format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "// line\n".repeat(count));
        assert!(whats("a/src/lib.rs", &format!("//! Page.\n{functions}{}", tests(147))).is_empty());
        let found = whats("a/src/lib.rs", &format!("//! Page.\n{functions}{}", tests(148)));
        assert_eq!(found, ["151 lines of inline tests, at most 150: move them to tests/it"]);
    }

    #[test]
    fn a_long_file_is_found_but_not_a_long_test() {
        let text = format!("//! Page.\n{}", "fn f() {}\n".repeat(400));
        assert_eq!(
            whats("a/src/lib.rs", &text),
            ["401 lines without its tests, at most 400: split it by idea"]
        );
        assert!(whats("a/tests/it/big.rs", &text).is_empty());
        assert_eq!(check_lines("c/src/A.sol", &text).len(), 1);
        assert!(check_lines("c/test/A.t.sol", &text).is_empty());
    }

    #[test]
    fn too_many_parameters_are_found_but_the_receiver_is_free() {
        let method = |list: &str| format!("//! Page.\nstruct S; impl S {{ fn f({list}) {{}} }}\n");
        assert!(whats("a/src/lib.rs", &method("&self, a: u8, b: u8, c: u8, d: u8, e: u8")).is_empty());
        let found = whats("a/src/lib.rs", &method("a: u8, b: u8, c: u8, d: u8, e: u8, f: u8"));
        assert!(found[0].contains("6 parameters"));
        assert!(whats("a/src/lib.rs", "//! Page.\nfn f<A, B, C>() {}\n")[0].contains("3 type parameters"));
    }

    #[test]
    fn what_does_not_parse_is_a_finding() {
        assert!(whats("a/src/lib.rs", "//! Page.\nfn f( {}\n")[0].contains("does not parse"));
    }
}
