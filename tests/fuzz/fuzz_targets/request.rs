//! A request's body: read, and with its model spliced everything else is what it was.
#![no_main]

use bytes::Bytes;
use goldgate_fuzz::wire::{Edit, RequestHead, splice};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let Ok(head) = RequestHead::parse(body) else { return };
    assert!(!head.model.is_empty());
    let edits = [Edit::set("model", &Value::from("another")), Edit::remove("user")];
    let spliced = splice(&Bytes::copy_from_slice(body), &head.fields, &edits);
    let (Ok(Value::Object(mut before)), Ok(Value::Object(after))) =
        (serde_json::from_slice(body), serde_json::from_slice(&spliced))
    else {
        // Numbers beyond f64 pass through unread.
        return;
    };
    before.insert("model".to_owned(), Value::from("another"));
    before.shift_remove("user");
    assert_eq!(before, after);
});
