//! Modules, joined into one classic script and made smaller.
//!
//! The joiner knows only what our own modules use: named imports of relative paths, exported
//! declarations, and names that are unique among all modules. Where a module speaks of a feature
//! (`features.x` of `features.js`) the feature itself is put, or `true` where it is not called, or `undefined`: so
//! no worker has a word of what its site does not use.

use std::collections::{BTreeMap, HashMap, HashSet};

use oxc_allocator::Allocator;
use oxc_ast::AstKind;
use oxc_ast::ast::{
    Declaration, Expression, Program, Statement, StaticMemberExpression, UnaryOperator,
};
use oxc_ast_visit::Visit;
use oxc_codegen::{Codegen, CodegenOptions};
use oxc_minifier::{ManglePropertiesOptions, Minifier, MinifierOptions};
use oxc_parser::Parser;
use oxc_span::{GetSpan, SourceType, Span};

use crate::BuildError;

/// The text of a module by its file name.
pub(super) type Modules = fn(&str) -> Result<&'static str, BuildError>;

/// What a site has of `features.js`, by its name there: the name of a function, or an expression that is one.
pub(super) type Features<'a> = HashMap<&'a str, &'a str>;

/// Joins the entry and what it imports, each module once and before those that import it.
pub(super) fn join(
    entry: &str,
    config_module: &str,
    features: &Features<'_>,
    modules: Modules,
) -> Result<String, BuildError> {
    let mut joiner = Joiner {
        features,
        modules,
        seen: HashSet::from(["config.js".to_owned()]),
        names: HashSet::from(["config".to_owned()]),
        out: format!("(() => {{\n{config_module}"),
    };
    joiner.append("the entry", entry)?;
    Ok(joiner.out + "})()\n")
}

struct Joiner<'a> {
    features: &'a Features<'a>,
    modules: Modules,
    /// Modules that are there.
    seen: HashSet<String>,
    /// What they declare.
    names: HashSet<String>,
    out: String,
}

impl Joiner<'_> {
    fn append(&mut self, name: &str, text: &str) -> Result<(), BuildError> {
        let allocator = Allocator::default();
        let parsed = Parser::new(&allocator, text, SourceType::mjs()).parse();
        if let Some(error) = parsed.diagnostics.first() {
            return Err(BuildError::Runtime(format!("{name}: {error}")));
        }
        let features = self.spoken_of(name, &parsed.program)?;
        let mut kept = String::new();
        for statement in &parsed.program.body {
            let span = statement.span();
            let mut start = span.start;
            match statement {
                Statement::ImportDeclaration(import) => {
                    let file = import.source.value.trim_start_matches("./");
                    if self.seen.insert(file.to_owned()) {
                        self.append(file, (self.modules)(file)?)?;
                    }
                    continue;
                }
                Statement::ExportDeclaration(export) => {
                    start = export.declaration.span().start;
                    declared(&export.declaration, name, &mut self.names)?;
                }
                Statement::ExportNamedDeclaration(_) => {
                    return Err(BuildError::Runtime(format!(
                        "{name}: an export without a declaration"
                    )));
                }
                other => {
                    if let Some(declaration) = other.as_declaration() {
                        declared(declaration, name, &mut self.names)?;
                    }
                }
            }
            for (at, (end, instead)) in features.range(start..span.end) {
                kept.push_str(&text[start as usize..*at as usize]);
                kept.push_str(instead);
                start = *end;
            }
            kept.push_str(&text[start as usize..span.end as usize]);
            kept.push('\n');
        }
        self.out.push_str(&kept);
        Ok(())
    }

    /// Where a module speaks of features: from, to, and what is put there.
    fn spoken_of(
        &self,
        module: &str,
        program: &Program<'_>,
    ) -> Result<BTreeMap<u32, (u32, String)>, BuildError> {
        let mut uses = Uses::default();
        uses.visit_program(program);
        if uses.found.len() < uses.spoken {
            return Err(BuildError::Runtime(format!(
                "{module} speaks of `features` otherwise than as `features.x`"
            )));
        }
        uses.found
            .iter()
            .map(|(span, (name, used))| {
                let feature = self.features.get(&**name).copied();
                let instead = match (used, feature) {
                    (Use::Value, _) => {
                        return Err(BuildError::Runtime(format!(
                            "{module} neither calls `features.{name}` nor asks whether it is there"
                        )));
                    }
                    // another thing of that name would be called
                    (Use::Called, Some(feature)) if uses.binds_one_of(feature) => {
                        return Err(BuildError::Runtime(format!(
                            "a name of {module} hides one of `{feature}`, which is a feature"
                        )));
                    }
                    (Use::Called, Some(feature)) if feature.contains(' ') => format!("({feature})"),
                    (Use::Called, Some(feature)) => feature.to_owned(),
                    (Use::Asked, Some(_)) => "true".to_owned(),
                    (_, None) => "undefined".to_owned(),
                };
                Ok((span.start, (span.end, instead)))
            })
            .collect()
    }
}

/// What a module does with a feature.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    Called,
    /// Is it there?
    Asked,
    /// Anything else, of which nothing can be put in its place.
    Value,
}

/// The features that a module speaks of, and the names that it binds.
#[derive(Default)]
struct Uses {
    found: HashMap<Span, (String, Use)>,
    /// How often it says `features`, whatever follows.
    spoken: usize,
    bound: HashSet<String>,
}

impl<'a> Visit<'a> for Uses {
    // What is around a use is met before it.
    fn enter_node(&mut self, kind: AstKind<'a>) {
        match kind {
            AstKind::CallExpression(call) => self.meet(&call.callee, Use::Called),
            AstKind::IfStatement(either) => self.meet(&either.test, Use::Asked),
            AstKind::ConditionalExpression(either) => self.meet(&either.test, Use::Asked),
            AstKind::UnaryExpression(not) if not.operator == UnaryOperator::LogicalNot => {
                self.meet(&not.argument, Use::Asked);
            }
            AstKind::LogicalExpression(both) => {
                self.meet(&both.left, Use::Asked);
                self.meet(&both.right, Use::Asked);
            }
            AstKind::StaticMemberExpression(member) => self.member(member, Use::Value),
            AstKind::IdentifierReference(name) if name.name == FEATURES => self.spoken += 1,
            AstKind::BindingIdentifier(name) => {
                self.bound.insert(name.name.to_string());
            }
            _ => {}
        }
    }
}

impl Uses {
    fn meet(&mut self, expression: &Expression<'_>, used: Use) {
        if let Expression::StaticMemberExpression(member) = expression {
            self.member(member, used);
        }
    }

    fn member(&mut self, member: &StaticMemberExpression<'_>, used: Use) {
        if matches!(&member.object, Expression::Identifier(object) if object.name == FEATURES) {
            let name = member.property.name.to_string();
            self.found.entry(member.span).or_insert((name, used));
        }
    }

    /// Is any word of an expression a name of the module's own?
    fn binds_one_of(&self, expression: &str) -> bool {
        expression
            .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
            .any(|word| self.bound.contains(word))
    }
}

/// What modules call the object of `features.js`.
const FEATURES: &str = "features";

/// Joined modules share one scope: a name must not be declared twice.
fn declared(
    declaration: &Declaration<'_>,
    module: &str,
    names: &mut HashSet<String>,
) -> Result<(), BuildError> {
    let mut take = |name: &str| {
        if names.insert(name.to_owned()) {
            Ok(())
        } else {
            Err(BuildError::Runtime(format!(
                "`{name}` of {module} is declared elsewhere too"
            )))
        }
    };
    match declaration {
        Declaration::VariableDeclaration(list) => {
            for declarator in &list.declarations {
                for name in declarator.id.get_binding_identifiers() {
                    take(&name.name)?;
                }
            }
        }
        Declaration::FunctionDeclaration(function) => {
            if let Some(name) = &function.id {
                take(&name.name)?;
            }
        }
        Declaration::ClassDeclaration(class) => {
            if let Some(name) = &class.id {
                take(&name.name)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// `own`: properties that may be shortened, as a regular expression.
pub(super) fn minify(text: &str, own: Option<&str>) -> Result<String, BuildError> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, SourceType::cjs()).parse();
    if let Some(error) = parsed.diagnostics.first() {
        return Err(BuildError::Runtime(error.to_string()));
    }
    let mut program = parsed.program;
    let own = own.map(ManglePropertiesOptions::from_pattern).transpose();
    let options = MinifierOptions {
        mangle_properties: own.map_err(BuildError::Runtime)?,
        ..MinifierOptions::default()
    };
    let minified = Minifier::new(options).minify(&allocator, &mut program);
    Ok(Codegen::new()
        .with_options(CodegenOptions::minify())
        .with_scoping(minified.scoping)
        .build(&program)
        .code
        .to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, features: &[(&str, &str)], joined: Option<&str>) {
        let features = features.iter().copied().collect();
        let modules: Modules = |file| Err(BuildError::Runtime(file.into()));
        let found = join(text, "", &features, modules).ok();
        let expected = joined.map(|joined| format!("(() => {{\n{joined}\n}})()\n"));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_feature_is_the_function_itself_where_it_is_called_and_else_true_or_undefined() {
        let text = "if (features.a && !b) await features.a(features.c?.(1)).catch()";
        check(
            text,
            &[("a", "offline")],
            Some("if (true && !b) await offline(undefined?.(1)).catch()"),
        );
        check(
            text,
            &[("c", "() => seize()")],
            Some("if (undefined && !b) await undefined((() => seize())?.(1)).catch()"),
        );
        check("other.a()", &[("a", "x")], Some("other.a()"));
    }

    #[test]
    fn a_name_that_hides_a_feature_is_refused_where_that_is_called() {
        let local = "function f() { const a = 1; return features.a?.(a) }";
        check(local, &[("a", "a")], None);
        check(
            local,
            &[("a", "other")],
            Some(&local.replace("features.a", "other")),
        );
        let inner = "function f(seize) { return features.a() }";
        check(inner, &[("a", "() => seize()")], None);
    }

    #[test]
    fn what_nothing_can_stand_for_is_refused_whether_the_feature_is_there_or_not() {
        for text in [
            "const a = features.a",
            "f.then(features.a)",
            "(features.a)(1)",
            "features.a.call(f, 1)",
            "const { a } = features",
            "features['a']()",
            "f(features)",
        ] {
            check(text, &[("a", "a1")], None);
            check(text, &[], None);
        }
    }

    #[test]
    fn a_name_declared_twice_is_refused() {
        check("const x = 1\nfunction x() {}", &[], None);
        check(
            "const x = 1\nconst y = 2",
            &[],
            Some("const x = 1\nconst y = 2"),
        );
        check("export const x = 1\nclass x {}", &[], None);
    }
}
