//! What a JavaScript expression says as data, without running it.
//!
//! Literals, and what people build of them: constants by name, sums, joined paths, spreads. What only a run could tell
//! stays in the tree as [`Value::Unknown`] with its place, so that the rest can be used.

use std::collections::HashMap;

use oxc_ast::ast::{
    Argument, ArrayExpressionElement, BinaryOperator, CallExpression, Expression, NewExpression,
    ObjectExpression, ObjectPropertyKind, TemplateLiteral, UnaryOperator,
};
use oxc_span::GetSpan;

use super::condition::{Condition, condition};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Offset in bytes.
    pub(super) at: usize,
    pub(super) value: Value,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    /// `null` and `undefined`: as good as not said.
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Regex(Regex),
    List(Vec<Node>),
    Table(Table),
    /// What a function asks of a request, or why that is not known.
    Function(Result<Condition, String>),
    /// What it is instead of data.
    Unknown(String),
}

/// Keys in their order; of two with one name the last counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Table(pub(super) Vec<(String, Node)>);

/// A regular expression as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Regex {
    pub(super) source: String,
    pub(super) flags: String,
}

impl Table {
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found
            .map(|(_, node)| node)
            .filter(|node| !matches!(node.value, Value::Null))
    }

    fn set(&mut self, key: String, node: Node) {
        match self.0.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = node,
            None => self.0.push((key, node)),
        }
    }
}

impl Node {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// A regular expression, which JSON can only write as a text.
    pub(super) fn regex(&self) -> Option<Regex> {
        match &self.value {
            Value::Regex(regex) => Some(regex.clone()),
            Value::Text(source) => Some(Regex {
                source: source.clone(),
                flags: String::new(),
            }),
            _ => None,
        }
    }

    /// A whole number that is not below zero.
    pub(super) fn whole(&self) -> Option<u64> {
        match self.value {
            Value::Number(number) if number >= 0.0 && number.fract() == 0.0 && number < 9e15 => {
                Some(number as u64)
            }
            _ => None,
        }
    }

    /// The members of a list; a single value counts as a list of one, as the tools have it.
    pub(super) fn list(&self) -> &[Node] {
        match &self.value {
            Value::List(list) => list,
            _ => std::slice::from_ref(self),
        }
    }
}

/// Reads expressions of one script.
pub(super) struct Reader<'a> {
    /// What names stand for; `None` for one that is declared twice.
    pub(super) constants: HashMap<String, Option<&'a Expression<'a>>>,
    /// How many nodes may still be read: names within names grow without a limit.
    left: usize,
    /// How many names are being looked up, of which one may mean itself.
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(constants: HashMap<String, Option<&'a Expression<'a>>>) -> Self {
        Self {
            constants,
            left: NODES_MAX,
            depth: 0,
        }
    }

    pub(super) fn read(&mut self, expression: &'a Expression<'a>) -> Node {
        let at = expression.span().start as usize;
        let value = match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                self.value(expression)
            }
            None => unknown("more than anybody configures"),
        };
        Node { at, value }
    }

    /// The same of an object that is no expression of its own.
    pub(super) fn object(&mut self, object: &'a ObjectExpression<'a>) -> Node {
        Node {
            at: object.span.start as usize,
            value: self.table(&object.properties),
        }
    }

    fn value(&mut self, expression: &'a Expression<'a>) -> Value {
        match expression {
            Expression::NullLiteral(_) => Value::Null,
            Expression::BooleanLiteral(it) => Value::Bool(it.value),
            Expression::NumericLiteral(it) => Value::Number(it.value),
            Expression::StringLiteral(it) => Value::Text(it.value.to_string()),
            Expression::RegExpLiteral(it) => Value::Regex(Regex {
                source: it.regex.pattern.text.to_string(),
                flags: it.regex.flags.to_string(),
            }),
            Expression::TemplateLiteral(it) => self.template(it),
            Expression::Identifier(it) => self.named(it.name.as_str()),
            Expression::ArrayExpression(it) => self.list(&it.elements),
            Expression::ObjectExpression(it) => self.table(&it.properties),
            Expression::ArrowFunctionExpression(_) | Expression::FunctionExpression(_) => {
                Value::Function(condition(expression))
            }
            Expression::UnaryExpression(it) => {
                let argument = self.read(&it.argument).value;
                match (it.operator, argument) {
                    (UnaryOperator::UnaryNegation, Value::Number(it)) => Value::Number(-it),
                    // `!0` and `!1`, as minifiers write them
                    (UnaryOperator::LogicalNot, Value::Number(it)) => Value::Bool(it == 0.0),
                    (UnaryOperator::LogicalNot, Value::Bool(it)) => Value::Bool(!it),
                    (UnaryOperator::Void, Value::Number(_)) => Value::Null,
                    _ => unknown("an expression that only a run could tell"),
                }
            }
            Expression::BinaryExpression(it) => {
                let (left, right) = (self.read(&it.left).value, self.read(&it.right).value);
                binary(it.operator, left, right)
            }
            Expression::CallExpression(it) => self.call(it),
            Expression::NewExpression(it) => self.constructed(it),
            Expression::ConditionalExpression(_) | Expression::LogicalExpression(_) => {
                unknown("a choice that only a run could make")
            }
            Expression::AwaitExpression(_) => unknown("what a promise gives"),
            Expression::StaticMemberExpression(_) | Expression::ComputedMemberExpression(_) => {
                unknown("a property of something")
            }
            other => match bare(other) {
                Some(inner) => self.read(inner).value,
                None => unknown("an expression that only a run could tell"),
            },
        }
    }

    fn named(&mut self, name: &str) -> Value {
        if name == "undefined" {
            return Value::Null;
        }
        match self.constants.get(name).copied() {
            Some(Some(found)) if self.depth < DEPTH_MAX => {
                self.depth += 1;
                let value = self.read(found).value;
                self.depth -= 1;
                value
            }
            // the folder of this very file
            _ if name == "__dirname" => Value::Text(".".into()),
            Some(None) => unknown(&format!("`{name}`, which is given more than one value")),
            _ => unknown(&format!("`{name}`, whose value is not in this file")),
        }
    }

    fn template(&mut self, it: &'a TemplateLiteral<'a>) -> Value {
        let mut text = String::new();
        for (index, quasi) in it.quasis.iter().enumerate() {
            text.push_str(quasi.value.cooked.as_deref().unwrap_or_default());
            match it
                .expressions
                .get(index)
                .map(|inner| self.read(inner).value)
            {
                None => {}
                Some(Value::Text(inner)) => text.push_str(&inner),
                Some(Value::Number(inner)) => text.push_str(&inner.to_string()),
                Some(_) => return unknown("a text with parts that only a run could tell"),
            }
        }
        Value::Text(text)
    }

    fn list(&mut self, elements: &'a [ArrayExpressionElement<'a>]) -> Value {
        let mut list = Vec::new();
        for element in elements {
            match element {
                ArrayExpressionElement::SpreadElement(spread) => {
                    let node = self.read(&spread.argument);
                    match node.value {
                        Value::List(inner) => list.extend(inner),
                        _ => list.push(node),
                    }
                }
                ArrayExpressionElement::Elision(_) => {}
                other => list.extend(other.as_expression().map(|inner| self.read(inner))),
            }
        }
        Value::List(list)
    }

    fn table(&mut self, properties: &'a [ObjectPropertyKind<'a>]) -> Value {
        let mut table = Table::default();
        for property in properties {
            match property {
                ObjectPropertyKind::ObjectProperty(property) => {
                    let node = self.read(&property.value);
                    let at = property.span.start as usize;
                    let key = match property.key.static_name() {
                        Some(name) => name.to_string(),
                        None => {
                            match property.key.as_expression().map(|key| self.read(key).value) {
                                Some(Value::Text(name)) => name,
                                _ => {
                                    let value = unknown("a key that only a run could tell");
                                    table.0.push(("[…]".into(), Node { at, value }));
                                    continue;
                                }
                            }
                        }
                    };
                    table.set(key, Node { at, ..node });
                }
                ObjectPropertyKind::SpreadProperty(spread) => {
                    let node = self.read(&spread.argument);
                    match node.value {
                        Value::Table(inner) => {
                            for (key, node) in inner.0 {
                                table.set(key, node);
                            }
                        }
                        Value::Null => {}
                        _ => table.0.push(("...".into(), node)),
                    }
                }
            }
        }
        Value::Table(table)
    }

    /// `path.join(…)` and `path.resolve(…)` of texts.
    fn call(&mut self, it: &'a CallExpression<'a>) -> Value {
        let name = called(&it.callee);
        if !matches!(name, Some("join" | "resolve")) {
            return unknown(&match name {
                Some(name) => format!("what `{name}()` gives"),
                None => "what a call gives".into(),
            });
        }
        let mut path = String::new();
        for argument in &it.arguments {
            match argument.as_expression().map(|inner| self.read(inner).value) {
                Some(Value::Text(part)) => {
                    if !path.is_empty() && !path.ends_with('/') {
                        path.push('/');
                    }
                    path.push_str(&part);
                }
                _ => return unknown("a path with parts that only a run could tell"),
            }
        }
        Value::Text(normalized(&path))
    }

    /// `new RegExp("…")`
    fn constructed(&mut self, it: &'a NewExpression<'a>) -> Value {
        let texts: Option<Vec<String>> = it
            .arguments
            .iter()
            .map(
                |argument| match argument.as_expression().map(|it| self.read(it).value) {
                    Some(Value::Text(text)) => Some(text),
                    Some(Value::Regex(regex)) => Some(regex.source),
                    _ => None,
                },
            )
            .collect();
        match (called(&it.callee), texts.as_deref()) {
            (Some("RegExp"), Some([source])) => Value::Regex(Regex {
                source: source.clone(),
                flags: String::new(),
            }),
            (Some("RegExp"), Some([source, flags])) => Value::Regex(Regex {
                source: source.clone(),
                flags: flags.clone(),
            }),
            (Some(name), _) => unknown(&format!("a new `{name}`")),
            _ => unknown("a new object"),
        }
    }
}

/// The expression within a wrapper that changes nothing of its value.
pub(super) fn bare<'a>(expression: &'a Expression<'a>) -> Option<&'a Expression<'a>> {
    match expression {
        Expression::ParenthesizedExpression(it) => Some(&it.expression),
        Expression::TSAsExpression(it) => Some(&it.expression),
        Expression::TSSatisfiesExpression(it) => Some(&it.expression),
        Expression::TSNonNullExpression(it) => Some(&it.expression),
        Expression::TSTypeAssertion(it) => Some(&it.expression),
        _ => None,
    }
}

/// The last name of what is called: `join` of `path.join`.
pub(super) fn called<'a>(callee: &'a Expression<'_>) -> Option<&'a str> {
    match callee {
        Expression::Identifier(it) => Some(it.name.as_str()),
        Expression::StaticMemberExpression(it) => Some(it.property.name.as_str()),
        _ => None,
    }
}

/// The first arguments of a call, as far as they are expressions.
pub(super) fn arguments<'a>(list: &'a [Argument<'a>]) -> Vec<&'a Expression<'a>> {
    list.iter().map_while(Argument::as_expression).collect()
}

fn binary(operator: BinaryOperator, left: Value, right: Value) -> Value {
    use BinaryOperator::{Addition, Division, Exponential, Multiplication, ShiftLeft, Subtraction};
    match (operator, left, right) {
        (Addition, Value::Text(left), Value::Text(right)) => Value::Text(left + &right),
        (Addition, Value::Text(left), Value::Number(right)) => {
            Value::Text(format!("{left}{right}"))
        }
        (operator, Value::Number(left), Value::Number(right)) => match operator {
            Addition => Value::Number(left + right),
            Subtraction => Value::Number(left - right),
            Multiplication => Value::Number(left * right),
            Division => Value::Number(left / right),
            Exponential => Value::Number(left.powf(right)),
            ShiftLeft if (0.0..31.0).contains(&right) => Value::Number(left * right.exp2()),
            _ => unknown("an expression that only a run could tell"),
        },
        _ => unknown("an expression that only a run could tell"),
    }
}

/// `./a/../b/` as `b/`; what goes above the start stays.
pub(super) fn normalized(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match (part, parts.last()) {
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    let end = match path.ends_with('/') && !parts.is_empty() {
        true => "/",
        false => "",
    };
    format!("{root}{}{end}", parts.join("/"))
}

fn unknown(what: &str) -> Value {
    Value::Unknown(what.to_owned())
}

const NODES_MAX: usize = 100_000;
const DEPTH_MAX: usize = 16;
