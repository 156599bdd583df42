//! Which expression of a script is the config, and of which tool?
//!
//! What is handed to a known function wins (`generateSW({…})`), then what the file exports, then the object with the most
//! names of options in it, however a task runner wraps it.

use std::collections::HashMap;

use oxc_ast::AstKind;
use oxc_ast::ast::{
    AssignmentTarget, BindingPattern, CallExpression, Expression, NewExpression, ObjectExpression,
    ObjectPropertyKind, Program, Statement,
};
use oxc_ast_visit::Visit;

use super::literal::{arguments, bare, called};
use super::{Tool, options};

/// The config, still as an expression.
pub(super) struct Found<'a> {
    pub(super) tool: Tool,
    pub(super) config: Config<'a>,
    /// The worker that is written, where a call says it beside the config.
    pub(super) worker: Option<&'a Expression<'a>>,
}

pub(super) enum Config<'a> {
    Expression(&'a Expression<'a>),
    Object(&'a ObjectExpression<'a>),
}

/// What a script has that could matter.
#[derive(Default)]
pub(super) struct Script<'a> {
    /// What names stand for; `None` for one that is given more than one value.
    pub(super) constants: HashMap<String, Option<&'a Expression<'a>>>,
    calls: Vec<Found<'a>>,
    exported: Option<&'a Expression<'a>>,
    /// The object with the most known options, and how many.
    likely: Option<(usize, Tool, &'a ObjectExpression<'a>)>,
}

impl<'a> Script<'a> {
    pub(super) fn of(program: &Program<'a>) -> Self {
        let mut script = Script::default();
        script.visit_program(program);
        script
    }

    /// The config, and how many calls with one more there are.
    pub(super) fn choose(&mut self) -> (Option<Found<'a>>, usize) {
        if !self.calls.is_empty() {
            let first = self.calls.remove(0);
            return (Some(first), self.calls.len());
        }
        let exported = self.exported.map(|it| self.unwrapped(it, 0));
        let found = match exported {
            Some(Expression::ObjectExpression(object)) => {
                options::tool_of(names(object)).map(|(_, tool)| (tool, &**object))
            }
            _ => None,
        };
        let likely = || {
            let likely = self.likely.filter(|(score, ..)| *score > 1);
            likely.map(|(_, tool, object)| (tool, object))
        };
        let found = found.or_else(likely).map(|(tool, object)| Found {
            tool,
            config: Config::Object(object),
            worker: None,
        });
        (found, 0)
    }

    /// The object behind names, wrappers such as `defineConfig(…)`, and functions that give it.
    fn unwrapped(&self, expression: &'a Expression<'a>, depth: usize) -> &'a Expression<'a> {
        let inner =
            match expression {
                Expression::Identifier(name) => {
                    self.constants.get(name.name.as_str()).copied().flatten()
                }
                Expression::CallExpression(call) => arguments(&call.arguments).first().copied(),
                other @ (Expression::ArrowFunctionExpression(_)
                | Expression::FunctionExpression(_)) => given(other),
                other => bare(other),
            };
        match inner {
            Some(inner) if depth < DEPTH_MAX => self.unwrapped(inner, depth + 1),
            _ => expression,
        }
    }

    fn call(&mut self, it: &'a CallExpression<'a>) {
        let arguments = arguments(&it.arguments);
        let name = called(&it.callee).unwrap_or_default();
        let (tool, config, worker) = match (name, &arguments[..]) {
            ("generateSW" | "generateSWString", [config, ..]) => (Tool::GenerateSw, config, None),
            ("injectManifest" | "getManifest", [config, ..]) => {
                (Tool::InjectManifest, config, None)
            }
            ("VitePWA", [config, ..]) => (Tool::VitePwa, config, None),
            ("write", [worker, config, ..]) if is_of_sw_precache(it) => {
                (Tool::SwPrecache, config, Some(*worker))
            }
            ("generate", [config, ..]) if is_of_sw_precache(it) => (Tool::SwPrecache, config, None),
            _ => return,
        };
        self.calls.push(Found {
            tool,
            config: Config::Expression(config),
            worker,
        });
    }

    fn construction(&mut self, it: &'a NewExpression<'a>) {
        let tool = match called(&it.callee) {
            Some("GenerateSW") => Tool::WebpackGenerateSw,
            Some("InjectManifest") => Tool::WebpackInjectManifest,
            Some(name) if name.eq_ignore_ascii_case("SWPrecacheWebpackPlugin") => Tool::SwPrecache,
            _ => return,
        };
        let config = arguments(&it.arguments).first().copied();
        self.calls.extend(config.map(|config| Found {
            tool,
            config: Config::Expression(config),
            worker: None,
        }));
    }
}

impl<'a> Visit<'a> for Script<'a> {
    fn enter_node(&mut self, kind: AstKind<'a>) {
        match kind {
            AstKind::VariableDeclarator(it) => {
                if let (BindingPattern::BindingIdentifier(name), Some(value)) = (&it.id, &it.init) {
                    self.constants
                        .entry(name.name.to_string())
                        .and_modify(|known| *known = None)
                        .or_insert(Some(value));
                }
            }
            AstKind::AssignmentExpression(it) => match &it.left {
                AssignmentTarget::AssignmentTargetIdentifier(name) => {
                    self.constants.insert(name.name.to_string(), None);
                }
                AssignmentTarget::StaticMemberExpression(member) => {
                    let object = match &member.object {
                        Expression::Identifier(name) => name.name.as_str(),
                        _ => "",
                    };
                    if let ("module", "exports") | ("exports", "default") =
                        (object, member.property.name.as_str())
                    {
                        self.exported = Some(&it.right);
                    }
                }
                _ => {}
            },
            AstKind::ExportDefaultDeclaration(it) => self.exported = it.declaration.as_expression(),
            AstKind::CallExpression(it) => self.call(it),
            AstKind::NewExpression(it) => self.construction(it),
            AstKind::ObjectExpression(it) => {
                if let Some((score, tool)) = options::tool_of(names(it))
                    && self.likely.is_none_or(|(best, ..)| score > best)
                {
                    self.likely = Some((score, tool, it));
                }
            }
            // a file with one literal and nothing else, as JSON is
            AstKind::ExpressionStatement(it) if self.exported.is_none() => {
                if let Expression::ObjectExpression(_) = &it.expression {
                    self.exported = Some(&it.expression);
                }
            }
            _ => {}
        }
    }
}

/// `swPrecache.write(…)`, whatever the name in front is made of.
fn is_of_sw_precache(it: &CallExpression<'_>) -> bool {
    let Expression::StaticMemberExpression(member) = &it.callee else {
        return false;
    };
    match &member.object {
        Expression::Identifier(name) => {
            let name = name.name.to_ascii_lowercase();
            name.contains("precache")
        }
        // `require('sw-precache').write(…)`
        Expression::CallExpression(call) => matches!(
            arguments(&call.arguments).first(),
            Some(Expression::StringLiteral(it)) if it.value == "sw-precache"
        ),
        _ => false,
    }
}

fn names<'a>(object: &'a ObjectExpression<'a>) -> impl Iterator<Item = &'a str> {
    object
        .properties
        .iter()
        .filter_map(|property| match property {
            ObjectPropertyKind::ObjectProperty(it) => match &it.key {
                oxc_ast::ast::PropertyKey::StaticIdentifier(name) => Some(name.name.as_str()),
                oxc_ast::ast::PropertyKey::StringLiteral(name) => Some(name.value.as_str()),
                _ => None,
            },
            ObjectPropertyKind::SpreadProperty(_) => None,
        })
}

/// The expression that a function gives: of an arrow function without braces, or behind its one `return`.
pub(super) fn given<'a>(expression: &'a Expression<'a>) -> Option<&'a Expression<'a>> {
    let statements = match expression {
        Expression::ArrowFunctionExpression(it) => match it.body.as_expression() {
            Some(given) => return Some(given),
            None => match &it.body {
                oxc_ast::ast::ArrowFunctionBody::FunctionBody(body) => &body.statements,
                _ => return None,
            },
        },
        Expression::FunctionExpression(it) => &it.body.as_ref()?.statements,
        _ => return None,
    };
    match &statements[..] {
        [Statement::ReturnStatement(it)] => it.argument.as_ref(),
        _ => None,
    }
}

const DEPTH_MAX: usize = 16;
