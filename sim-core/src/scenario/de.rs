//! Tree to types: a serde deserialiser whose errors know the place and the path of what they refuse.

use super::error::ScenarioError;
use super::tree::{Entry, Node, Sources, Span, Value, shorten};
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use std::fmt;

/// Reads a value of type `T` out of a tree; `prefix` is the path of `node` itself.
pub fn from_node<T: DeserializeOwned>(
    node: &Node,
    sources: &Sources,
    prefix: &str,
) -> Result<T, ScenarioError> {
    T::deserialize(De(node)).map_err(|e| e.located(node.span, sources, prefix))
}

/// What went wrong, where, on the way out of the tree.
#[derive(Debug)]
struct DeError {
    span: Option<Span>,
    /// Keys from the innermost outwards.
    path: Vec<String>,
    problem: String,
    found: String,
    allowed: &'static [&'static str],
}

impl DeError {
    fn plain(problem: String) -> Self {
        Self { span: None, path: Vec::new(), problem, found: String::new(), allowed: &[] }
    }

    fn or_at(mut self, span: Span) -> Self {
        self.span.get_or_insert(span);
        self
    }

    fn under(mut self, key: impl Into<String>) -> Self {
        self.path.push(key.into());
        self
    }

    fn located(self, fallback: Span, sources: &Sources, prefix: &str) -> ScenarioError {
        let mut keys: Vec<&str> = if prefix.is_empty() { Vec::new() } else { vec![prefix] };
        keys.extend(self.path.iter().rev().map(String::as_str));
        let error = ScenarioError::at(sources, self.span.unwrap_or(fallback), keys.join("."), self.problem);
        if self.allowed.is_empty() { error } else { error.allowed(&self.found, self.allowed) }
    }
}

impl std::error::Error for DeError {}

impl fmt::Display for DeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl de::Error for DeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::plain(message.to_string())
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::plain(format!("found {}, expected {}", found_in_words(&found), expected_in_words(expected)))
    }

    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn invalid_length(found: usize, expected: &dyn de::Expected) -> Self {
        Self::plain(format!("found {found} values, expected {}", expected_in_words(expected)))
    }

    fn unknown_field(found: &str, allowed: &'static [&'static str]) -> Self {
        let problem = format!("there is no field `{}` here", shorten(found));
        Self { found: found.to_owned(), allowed, ..Self::plain(problem) }
    }

    fn unknown_variant(found: &str, allowed: &'static [&'static str]) -> Self {
        let problem = format!("`{}` is not one of the choices", shorten(found));
        Self { found: found.to_owned(), allowed, ..Self::plain(problem) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::plain(format!("the field `{field}` is missing"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::plain(format!("`{field}` is given twice"))
    }
}

fn found_in_words(found: &de::Unexpected<'_>) -> String {
    match found {
        de::Unexpected::Unsigned(n) => format!("the number {n}"),
        de::Unexpected::Signed(n) => format!("the number {n}"),
        de::Unexpected::Float(n) => format!("the number {n}"),
        de::Unexpected::Str(t) => format!("the text \"{}\"", shorten(t)),
        de::Unexpected::Bool(b) => format!("`{b}`"),
        de::Unexpected::Map | de::Unexpected::StructVariant => "a group of fields".into(),
        de::Unexpected::Seq | de::Unexpected::TupleVariant => "a list".into(),
        de::Unexpected::Unit | de::Unexpected::Option => "nothing".into(),
        other => other.to_string(),
    }
}

fn expected_in_words(expected: &dyn de::Expected) -> String {
    let text = expected.to_string();
    match text.as_str() {
        "u64" | "u32" | "u16" | "usize" => "a whole number, 0 or more".into(),
        "a boolean" => "true or false".into(),
        "a string" | "string" => "a text in quotes".into(),
        "a map" => "{ \"name\": value, ... }".into(),
        "a sequence" => "a list [a, b, ...]".into(),
        other => match other.strip_prefix("struct ") {
            Some(_) => "a group of fields: (field: value, ...)".into(),
            None => other.to_owned(),
        },
    }
}

/// A node as a serde data source.
#[derive(Clone, Copy)]
struct De<'t>(&'t Node);

type Out<T> = Result<T, DeError>;

impl De<'_> {
    fn number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Out<V::Value> {
        if let Ok(n) = text.parse::<u64>() {
            return visitor.visit_u64(n);
        }
        if let Ok(n) = text.parse::<i64>() {
            return visitor.visit_i64(n);
        }
        let float: f64 = text.parse().map_err(|_| DeError::plain(format!("`{text}` is not a number")))?;
        // "1e12" is a whole number too; say so instead of complaining about a fraction.
        if (0.0..9.0e15).contains(&float) && float.fract() == 0.0 && !text.contains('.') {
            return visitor.visit_u64(float as u64);
        }
        visitor.visit_f64(float)
    }
}

impl<'de> de::Deserializer<'de> for De<'_> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
        match &self.0.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(b) => visitor.visit_bool(*b),
            Value::Number(text) => Self::number(text, visitor),
            Value::Text(text) => visitor.visit_str(text),
            Value::List(items) => visitor.visit_seq(Seq { items: items.iter(), index: 0 }),
            Value::Map(entries) => visitor.visit_map(Map { entries: entries.iter(), value: None }),
            Value::Variant(name, None) => visitor.visit_str(name),
            Value::Variant(name, Some(inner)) => visitor.visit_map(OneEntry { name, inner: Some(inner) }),
        }
        .map_err(|e: DeError| e.or_at(self.0.span))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
        match self.0.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Out<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
        match &self.0.value {
            Value::Variant(name, _) => Err(DeError::plain(format!(
                "found the name `{}`, expected a text in quotes: \"{}\"",
                shorten(name),
                shorten(name)
            ))
            .or_at(self.0.span)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Out<V::Value> {
        match &self.0.value {
            // `()` is a group without fields.
            Value::Null => visitor.visit_map(Map { entries: [].iter(), value: None }),
            Value::Variant(written, Some(inner)) if written == name => De(inner).deserialize_map(visitor),
            Value::Variant(..) => Err(DeError::plain(format!(
                "found {}, expected a group of fields: (field: value, ...)",
                self.0.describe()
            ))),
            _ => self.deserialize_map(visitor),
        }
        .map_err(|e: DeError| e.or_at(self.0.span))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Out<V::Value> {
        match &self.0.value {
            Value::List(_) => Err(DeError::plain("found a list, expected a group of fields".into())),
            _ => self.deserialize_any(visitor),
        }
        .map_err(|e: DeError| e.or_at(self.0.span))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Out<V::Value> {
        let (name, span, payload) = match &self.0.value {
            Value::Variant(name, payload) => (name, self.0.span, payload.as_deref()),
            Value::Text(name) => (name, self.0.span, None),
            Value::Map(entries) if entries.len() == 1 => {
                (&entries[0].key, entries[0].span, Some(&entries[0].value))
            }
            _ => {
                let problem = format!("found {}, expected a choice", self.0.describe());
                let error = DeError { allowed: variants, ..DeError::plain(problem) };
                return Err(error.or_at(self.0.span));
            }
        };
        visitor.visit_enum(Choice { name, span, payload }).map_err(|e: DeError| e.or_at(self.0.span))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct identifier ignored_any
    }
}

struct Seq<'t> {
    items: std::slice::Iter<'t, Node>,
    index: usize,
}

impl<'de> de::SeqAccess<'de> for Seq<'_> {
    type Error = DeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Out<Option<T::Value>> {
        let Some(node) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(De(node)).map(Some).map_err(|e| e.or_at(node.span).under(index.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Map<'t> {
    entries: std::slice::Iter<'t, Entry>,
    value: Option<&'t Entry>,
}

impl<'de> de::MapAccess<'de> for Map<'_> {
    type Error = DeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Out<Option<K::Value>> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.value = Some(entry);
        let key: StrDeserializer<'_, DeError> = entry.key.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|e| e.or_at(entry.span).under(&entry.key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Out<V::Value> {
        let entry = self.value.take().ok_or_else(|| DeError::plain("a value without a key".into()))?;
        seed.deserialize(De(&entry.value)).map_err(|e| e.or_at(entry.value.span).under(&entry.key))
    }
}

/// `Name(..)` read by something that does not expect an enum: JSON's form of it.
struct OneEntry<'t> {
    name: &'t str,
    inner: Option<&'t Node>,
}

impl<'de> de::MapAccess<'de> for OneEntry<'_> {
    type Error = DeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Out<Option<K::Value>> {
        if self.inner.is_none() {
            return Ok(None);
        }
        let key: StrDeserializer<'_, DeError> = self.name.into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Out<V::Value> {
        let inner = self.inner.take().ok_or_else(|| DeError::plain("a value without a key".into()))?;
        seed.deserialize(De(inner)).map_err(|e| e.or_at(inner.span).under(self.name))
    }
}

struct Choice<'t> {
    name: &'t str,
    span: Span,
    payload: Option<&'t Node>,
}

impl<'de, 't> de::EnumAccess<'de> for Choice<'t> {
    type Error = DeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Out<(V::Value, Self)> {
        let name: StrDeserializer<'_, DeError> = self.name.into_deserializer();
        let variant = seed.deserialize(name).map_err(|e| e.or_at(self.span))?;
        Ok((variant, self))
    }
}

impl Choice<'_> {
    /// `Name` alone stands for `Name()`.
    fn with_payload<T>(self, read: impl FnOnce(De<'_>) -> Out<T>) -> Out<T> {
        let empty = Node::new(Value::Null, self.span);
        let node = self.payload.unwrap_or(&empty);
        read(De(node)).map_err(|e| e.or_at(node.span))
    }
}

impl<'de> de::VariantAccess<'de> for Choice<'_> {
    type Error = DeError;

    fn unit_variant(self) -> Out<()> {
        match self.payload {
            None => Ok(()),
            Some(node) if matches!(node.value, Value::Null) || is_empty_map(node) => Ok(()),
            Some(node) => {
                Err(DeError::plain(format!("`{}` takes nothing in parentheses", self.name)).or_at(node.span))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Out<T::Value> {
        self.with_payload(|de| seed.deserialize(de))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Out<V::Value> {
        self.with_payload(|de| de::Deserializer::deserialize_any(de, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Out<V::Value> {
        self.with_payload(|de| de::Deserializer::deserialize_struct(de, "", fields, visitor))
    }
}

fn is_empty_map(node: &Node) -> bool {
    matches!(&node.value, Value::Map(entries) if entries.is_empty())
}
