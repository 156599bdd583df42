//! JavaScript: what does a script load, as far as its text says so?
//!
//! Only literals count: a URL that is put together at run time is nobody's to know before. A text that does not parse
//! yields the static imports up to the error. ECMAScript (modules), HTML (workers, `importScripts()`, specifiers).

use oxc_allocator::Allocator;
use oxc_ast::ast::{
    Argument, CallExpression, ExportAllDeclaration, ExportFromDeclaration, Expression,
    ImportDeclaration, ImportExpression, NewExpression, WithClause,
};
use oxc_ast_visit::{Visit, walk};
use oxc_parser::{ParseOptions, Parser, ParserReturn};
use oxc_span::SourceType;

use super::{Kind, Reference, RelativeTo, When, is_url_like, nesting};

/// As what a browser runs a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptKind {
    /// Without `type`, or with one of the names of JavaScript.
    Classic,
    /// `type="module"`.
    Module,
}

/// What `text` loads, in its order.
///
/// Static imports count in a classic script too: it would not run as one, but it may be a worker of `type: "module"`.
pub fn script(text: &str, kind: ScriptKind) -> Vec<Reference> {
    let named = named(text, kind, false).into_iter();
    named.map(|named| named.reference).collect()
}

/// A reference of a script.
pub(super) struct Named {
    pub(super) reference: Reference,
    /// By `import` or `export … from`: a specifier, which an import map may give another meaning.
    pub(super) imported: bool,
}

impl From<Reference> for Named {
    fn from(reference: Reference) -> Self {
        Self {
            reference,
            imported: false,
        }
    }
}

/// [`script`], with `bare` also the specifiers that are no URLs by themselves.
pub(super) fn named(text: &str, kind: ScriptKind, bare: bool) -> Vec<Named> {
    if !may_load(text, kind) || !nesting::is_shallow(text) {
        return Vec::new();
    }
    let allocator = Allocator::default();
    let source_type = match kind {
        ScriptKind::Classic => SourceType::script(),
        ScriptKind::Module => SourceType::mjs(),
    };
    let options = ParseOptions {
        preserve_parens: false,
        enable_ident_hashes: false,
        ..ParseOptions::default()
    };
    let parsed = Parser::new(&allocator, text, source_type)
        .with_options(options)
        .parse();
    let mut found = Found {
        bare,
        references: Vec::new(),
    };
    if parsed.panicked {
        found.imports_before_error(&parsed);
    } else {
        found.visit_program(&parsed.program);
    }
    found.references
}

/// Whether it is worth parsing: a big library that loads nothing costs a search for a few words.
fn may_load(text: &str, kind: ScriptKind) -> bool {
    // `import`, `import()`, `import.meta` and `importScripts()`, but not the `!important` of some styles.
    let has_import = text.match_indices("import").any(|(at, word)| {
        let rest = &text[at + word.len()..];
        !rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
    });
    has_import
        || text.contains("Worker")
        || kind == ScriptKind::Module && text.contains("export") && text.contains("from")
}

struct Found {
    bare: bool,
    references: Vec<Named>,
}

impl Found {
    fn import(&mut self, specifier: &str, with: Option<&WithClause<'_>>, when: When) {
        if !self.bare && !is_url_like(specifier) {
            return;
        }
        let mut attributes = with.into_iter().flat_map(|with| &with.with_entries);
        let module_type = attributes.find(|entry| entry.key.as_arena_str() == "type");
        let kind = match module_type.map(|entry| entry.value.value.as_str()) {
            None => Kind::Module,
            Some("css") => Kind::Style,
            Some(_) => Kind::Other,
        };
        let reference = Reference::new(specifier, when, kind);
        self.references.extend(reference.map(|reference| Named {
            reference,
            imported: true,
        }));
    }

    fn imports_before_error(&mut self, parsed: &ParserReturn<'_>) {
        let requests = parsed.module_record.requested_modules.iter();
        let mut imports: Vec<_> = requests
            .flat_map(|(specifier, requests)| {
                requests.iter().map(move |it| (it.span.start, specifier))
            })
            .collect();
        imports.sort_unstable_by_key(|(start, _)| *start);
        for (_, specifier) in imports {
            self.import(specifier.as_str(), None, When::Load);
        }
    }

    /// The argument of `new Worker()`.
    fn worker(&mut self, argument: &Argument<'_>) -> bool {
        let reference = if let Some(url) = argument.as_expression().and_then(literal) {
            Reference::new(url, When::Load, Kind::Worker).map(|reference| Reference {
                // "encoding-parsing a URL given scriptURL, relative to outside settings" (HTML, `Worker()`, 3)
                relative_to: RelativeTo::Page,
                ..reference
            })
        } else if let Some(url) = url_of_module(argument) {
            Reference::new(url, When::Load, Kind::Worker)
        } else {
            return false;
        };
        self.references.extend(reference.map(Named::from));
        true
    }
}

impl<'a> Visit<'a> for Found {
    fn visit_import_declaration(&mut self, it: &ImportDeclaration<'a>) {
        self.import(&it.source.value, it.with_clause.as_deref(), When::Load);
    }

    fn visit_export_from_declaration(&mut self, it: &ExportFromDeclaration<'a>) {
        self.import(&it.source.value, it.with_clause.as_deref(), When::Load);
    }

    fn visit_export_all_declaration(&mut self, it: &ExportAllDeclaration<'a>) {
        self.import(&it.source.value, it.with_clause.as_deref(), When::Load);
    }

    /// `import("./a.js")`
    fn visit_import_expression(&mut self, it: &ImportExpression<'a>) {
        match literal(&it.source) {
            Some(specifier) => self.import(specifier, None, When::Demand),
            None => walk::walk_import_expression(self, it),
        }
    }

    /// `new Worker("a.js")`, `new Worker(new URL("a.js", import.meta.url))`, `new URL("a.png", import.meta.url)`
    fn visit_new_expression(&mut self, it: &NewExpression<'a>) {
        let mut rest = it.arguments.as_slice();
        if is_global(&it.callee, "Worker") || is_global(&it.callee, "SharedWorker") {
            if let Some((argument, others)) = rest.split_first()
                && self.worker(argument)
            {
                rest = others;
            }
        } else if let Some(url) = url_of_module_arguments(it) {
            let reference = Reference::new(url, When::Load, Kind::Other);
            self.references.extend(reference.map(Named::from));
        }
        self.visit_expression(&it.callee);
        for argument in rest {
            self.visit_argument(argument);
        }
    }

    /// `importScripts("a.js", "b.js")`
    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        if is_global(&it.callee, "importScripts") {
            let urls = it
                .arguments
                .iter()
                .filter_map(Argument::as_expression)
                .filter_map(literal);
            let references = urls.filter_map(|url| Reference::new(url, When::Load, Kind::Script));
            self.references.extend(references.map(Named::from));
        }
        walk::walk_call_expression(self, it);
    }
}

/// A string, or a template without substitutions.
fn literal<'a>(expression: &Expression<'a>) -> Option<&'a str> {
    match expression {
        Expression::StringLiteral(string) => Some(string.value.as_str()),
        Expression::TemplateLiteral(template) => template.single_quasi().map(|text| text.as_str()),
        _ => None,
    }
}

/// Whether `callee` is `name`, or that of the global object.
fn is_global(callee: &Expression<'_>, name: &str) -> bool {
    callee.is_specific_id(name)
        || ["self", "window", "globalThis"]
            .iter()
            .any(|global| callee.is_specific_member_access(global, name))
}

/// `new URL("a.js", import.meta.url)`
fn url_of_module<'a>(argument: &Argument<'a>) -> Option<&'a str> {
    match argument {
        Argument::NewExpression(it) => url_of_module_arguments(it),
        _ => None,
    }
}

fn url_of_module_arguments<'a>(it: &NewExpression<'a>) -> Option<&'a str> {
    let [url, Argument::StaticMemberExpression(base)] = it.arguments.as_slice() else {
        return None;
    };
    let is_module = matches!(base.object, Expression::ImportMeta(_)) && base.property.name == "url";
    if !is_module || !is_global(&it.callee, "URL") {
        return None;
    }
    url.as_expression().and_then(literal)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `expected`: each `kind url`, with `?` behind the kind when it is loaded on demand, and `^` when it is resolved
    /// against the page.
    fn check_as(kind: ScriptKind, text: &str, expected: &[&str]) {
        let found = script(text, kind).into_iter().map(|reference| {
            let kind = match reference.kind {
                Kind::Module => "module",
                Kind::Worker => "worker",
                Kind::Script => "script",
                Kind::Style => "style",
                Kind::Other => "other",
                Kind::Page | Kind::Manifest => "wrong",
            };
            let when = if reference.when == When::Demand {
                "?"
            } else {
                ""
            };
            let base = if reference.relative_to == RelativeTo::Page {
                "^"
            } else {
                ""
            };
            format!("{kind}{when}{base} {}", reference.url)
        });
        assert_eq!(found.collect::<Vec<_>>(), expected, "{text:?}");
    }

    fn check(text: &str, expected: &[&str]) {
        check_as(ScriptKind::Module, text, expected);
    }

    #[test]
    fn a_static_import_is_loaded_with_its_module() {
        check("import './a.js'", &["module ./a.js"]);
        check(
            "import a,{b as c}from'/a.js';import*as d from\"../b.js\"",
            &["module /a.js", "module ../b.js"],
        );
        check(
            "export * from './a.js';export{b}from'./b.js';export*as c from'https://c/c.js'",
            &["module ./a.js", "module ./b.js", "module https://c/c.js"],
        );
        check(
            "import{'x y'as z}from'./\\u0061\\x2ejs'",
            &["module ./a.js"],
        );
    }

    #[test]
    fn a_name_that_is_no_url_is_left_to_the_import_map() {
        check("import 'a';import '@b/c';import('d')", &[]);
    }

    #[test]
    fn an_attribute_says_what_is_imported() {
        check(
            "import a from'./a.json'with{type:'json'}",
            &["other ./a.json"],
        );
        check(
            "import a from'./a.css'with{'type':'css'}",
            &["style ./a.css"],
        );
    }

    #[test]
    fn a_dynamic_import_is_loaded_on_demand() {
        check("f(()=>import('./a.js'))", &["module? ./a.js"]);
        check("import(`./a.js`).then()", &["module? ./a.js"]);
        check(
            "import(/* webpackChunkName: 'a' */ './a.js', {with:{}})",
            &["module? ./a.js"],
        );
        check_as(ScriptKind::Classic, "import('./a.js')", &["module? ./a.js"]);
    }

    #[test]
    fn a_worker_that_is_a_module_is_read_whichever_way() {
        check_as(
            ScriptKind::Classic,
            "import './a.js';import('./b.js')",
            &["module ./a.js", "module? ./b.js"],
        );
    }

    #[test]
    fn what_is_put_together_at_run_time_is_not_known() {
        check(
            "import(a);import('./'+a);import(`./${a}`);import.meta.env",
            &[],
        );
        check(
            "new Worker(a);new Worker('a'+b);new URL(a,import.meta.url);importScripts(a)",
            &[],
        );
    }

    #[test]
    fn a_url_against_the_module_is_loaded() {
        check(
            "a.src=new URL('a.png',import.meta.url).href",
            &["other a.png"],
        );
        check("new URL(`a.png`, import . meta . url)", &["other a.png"]);
        check(
            "new URL('a.png',b);new URL('data:,x',import.meta.url);import.meta",
            &[],
        );
    }

    #[test]
    fn a_worker_is_found_against_the_page_or_the_module() {
        check("new Worker('a.js')", &["worker^ a.js"]);
        check(
            "new window.SharedWorker('/a.js',{type:'module'})",
            &["worker^ /a.js"],
        );
        check(
            "new Worker(new URL('./a.js',import.meta.url),{})",
            &["worker ./a.js"],
        );
        check(
            "new Worker(new URL('a.js',b),import('./c.js'))",
            &["module? ./c.js"],
        );
        check_as(ScriptKind::Classic, "new Worker('a.js')", &["worker^ a.js"]);
        check(
            "navigator.serviceWorker.register('a.js');Worker('b.js');new MyWorker('c.js')",
            &[],
        );
    }

    #[test]
    fn a_worker_loads_what_it_imports() {
        check_as(
            ScriptKind::Classic,
            "self.importScripts('a.js','./b.js',c)",
            &["script a.js", "script ./b.js"],
        );
        check_as(ScriptKind::Classic, "importScripts()", &[]);
    }

    #[test]
    fn a_string_a_comment_or_a_regular_expression_loads_nothing() {
        check("'import(\"./a.js\")'", &[]);
        check("//import './a.js'\n/*import('./b.js')*/", &[]);
        check("a=/import('.\\/a.js')/;`import('./b.js')`", &[]);
        check("`${import('./a.js')}`", &["module? ./a.js"]);
        check("a.import('./a.js')", &[]);
        check("({import(a){},b:{new:c}})", &[]);
    }

    #[test]
    fn broken_text_yields_what_was_read_before() {
        check(
            "import './a.js';export*from'./b.js';import('./c.js');(",
            &["module ./a.js", "module ./b.js"],
        );
        check(
            "import './a.js';let b;let b;import('./c.js')",
            &["module ./a.js", "module? ./c.js"],
        );
        check("import", &[]);
        check("import(", &[]);
        check("new", &[]);
    }

    #[test]
    fn only_a_text_with_the_right_words_is_parsed() {
        assert!(!may_load(
            "a='x!important';Array.from(b);export default c",
            ScriptKind::Classic
        ));
        assert!(!may_load("@import_x", ScriptKind::Module));
        assert!(may_load("export*from'./a.js'", ScriptKind::Module));
        assert!(may_load("import'./a.js'", ScriptKind::Module));
        assert!(may_load("importScripts('a')", ScriptKind::Classic));
    }

    #[test]
    fn deep_nesting_needs_no_stack() {
        for part in [
            "(",
            "[",
            "{",
            "`${",
            "a=",
            "!",
            "a?b:",
            "(function(){",
            "if(a){}else ",
            "a+",
            "a.b(",
        ] {
            check(&format!("import './a.js';x={}", part.repeat(100_000)), &[]);
        }
        let long = format!(
            "import './a.js';{}import('./b.js')",
            "x=a+b.c();".repeat(100_000)
        );
        check(&long, &["module ./a.js", "module? ./b.js"]);
    }

    #[test]
    fn what_passes_for_shallow_fits_on_a_small_thread() {
        let parts = [
            ("(", ")"),
            ("[", "]"),
            ("{", "}"),
            ("{a:", "}"),
            ("(function(){", "})"),
            ("`${", "}`"),
            ("class{a=", "}"),
            ("a?b:", ""),
            ("a=>", ""),
            ("(a)=>", ""),
            ("a=", ""),
            ("!", ""),
            ("new ", ""),
            ("async a=>", ""),
            ("(a,b)=>{return ", "}"),
            ("a.b(function(){if(a){for(;;){return ", "}}})"),
            ("{a(){return ", "}}"),
            ("class extends ", "{}"),
            ("a+", ""),
            ("a&&", ""),
            ("a.b().c[d](e).", ""),
            ("a``.b`${", "}`"),
            ("a?.[", "]"),
        ];
        for (open, close) in parts {
            let nested = |depth: usize| {
                format!(
                    "import './a.js';x={}1{}",
                    open.repeat(depth),
                    close.repeat(depth)
                )
            };
            // The deepest that the guard lets pass.
            let (mut shallow, mut deep) = (1, 10_000);
            while deep - shallow > 1 {
                let middle = (shallow + deep) / 2;
                if nesting::is_shallow(&nested(middle)) {
                    shallow = middle;
                } else {
                    deep = middle;
                }
            }
            assert!(shallow >= 20, "{open}: {shallow}");
            let text = nested(shallow);
            let parse = move || script(&text, ScriptKind::Module).len();
            let thread = std::thread::Builder::new().stack_size(3 << 19).spawn(parse);
            assert_eq!(thread.unwrap().join().unwrap(), 1, "{open}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), parts in prop::collection::vec(part(), 0..30)) {
            let parts = parts.concat();
            for kind in [ScriptKind::Classic, ScriptKind::Module] {
                script(&text, kind);
                script(&parts, kind);
            }
        }
    }

    fn part() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "import ",
            "import(",
            "'./a'",
            "export * from ",
            "new Worker(",
            "new URL(",
            "import.meta.url",
            "importScripts(",
            "`",
            "${",
            "}",
            "{",
            "(",
            ")",
            "'",
            "\\",
            "\\u",
            "/",
            "\n",
            ";",
            "é",
            "a",
            ",",
            "=>",
        ])
    }
}
