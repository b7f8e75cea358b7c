//! JSON pointers (RFC 6901) as kinds and checks use them: read a place, and write one.

use serde_json::{Map, Value};

/// The value at this pointer, if there is one.
pub fn get<'v>(value: &'v Value, pointer: &str) -> Option<&'v Value> {
    value.pointer(pointer)
}

/// Puts a value at this pointer, making objects on the way. An empty pointer replaces the whole.
pub fn set(target: &mut Value, pointer: &str, value: Value) {
    let mut place = target;
    for token in tokens(pointer) {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(map) = place else { return };
        place = map.entry(token).or_insert(Value::Null);
    }
    *place = value;
}

/// Removes the value at this pointer and returns it.
pub fn remove(target: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, last) = pointer.rsplit_once('/')?;
    let last = unescape(last);
    target.pointer_mut(parent)?.as_object_mut()?.remove(&last)
}

/// The pointer one level below: a field of the object that `pointer` names.
pub fn child(pointer: &str, field: &str) -> String {
    let mut below = String::with_capacity(pointer.len() + field.len() + 1);
    below.push_str(pointer);
    descend(&mut below, field);
    below
}

/// Makes a pointer that of a field one level below.
pub fn descend(pointer: &mut String, field: &str) {
    pointer.push('/');
    // Hardly any name needs it, and this is asked for every field of every object.
    if field.bytes().any(|byte| matches!(byte, b'~' | b'/')) {
        pointer.push_str(&field.replace('~', "~0").replace('/', "~1"));
    } else {
        pointer.push_str(field);
    }
}

fn tokens(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(unescape)
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn set_get_remove() {
        let mut value = json!({"a": 1});
        set(&mut value, "/b/c", json!(2));
        assert_eq!(value, json!({"a": 1, "b": {"c": 2}}));
        assert_eq!(get(&value, "/b/c"), Some(&json!(2)));
        assert_eq!(remove(&mut value, "/b/c"), Some(json!(2)));
        assert_eq!(remove(&mut value, "/nothing/here"), None);
        assert_eq!(value, json!({"a": 1, "b": {}}));
    }

    #[test]
    fn odd_names_are_escaped() {
        let mut value = json!({});
        let pointer = child("", "a/b~c");
        set(&mut value, &pointer, json!(true));
        assert_eq!(value, json!({"a/b~c": true}));
        assert_eq!(get(&value, &pointer), Some(&json!(true)));
    }
}
