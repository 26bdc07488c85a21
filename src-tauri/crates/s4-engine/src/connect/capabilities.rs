//! What a store can do, as it is kept with a target.
//!
//! - A document that lacks an ability, or spells one in another way, is none: the store is tried anew.

use s4_core::capabilities::{Capabilities, CopyCondition, ETagForm, Versioning};
use serde_json::{Value, json};

/// Returns capabilities as a document.
pub fn to_json(capabilities: &Capabilities) -> Value {
    // Named one by one, so that a new ability cannot be forgotten here.
    let Capabilities {
        put_if_none_match,
        put_if_match,
        etag_form,
        complete_if_none_match,
        complete_if_match,
        delete_if_match,
        copy_source_if_match,
        copy_if_none_match,
        copy_if_match,
        upload_part_copy,
        crc64nvme,
        versioning,
    } = capabilities;
    json!({
        "put_if_none_match": put_if_none_match,
        "put_if_match": put_if_match,
        "etag_form": match etag_form {
            ETagForm::Quoted => "quoted",
            ETagForm::Unquoted => "unquoted",
        },
        "complete_if_none_match": complete_if_none_match,
        "complete_if_match": complete_if_match,
        "delete_if_match": delete_if_match,
        "copy_source_if_match": copy_source_if_match,
        "copy_if_none_match": condition(*copy_if_none_match),
        "copy_if_match": condition(*copy_if_match),
        "upload_part_copy": upload_part_copy,
        "crc64nvme": crc64nvme,
        "versioning": match versioning {
            Versioning::Off => "off",
            Versioning::Enabled => "enabled",
            Versioning::Suspended => "suspended",
        },
    })
}

/// Returns the capabilities of a document, `None` if it does not tell all of them.
pub fn from_json(document: &Value) -> Option<Capabilities> {
    let flag = |name: &str| document.get(name)?.as_bool();
    let text = |name: &str| document.get(name)?.as_str();
    Some(Capabilities {
        put_if_none_match: flag("put_if_none_match")?,
        put_if_match: flag("put_if_match")?,
        etag_form: match text("etag_form")? {
            "quoted" => ETagForm::Quoted,
            "unquoted" => ETagForm::Unquoted,
            _ => return None,
        },
        complete_if_none_match: flag("complete_if_none_match")?,
        complete_if_match: flag("complete_if_match")?,
        delete_if_match: flag("delete_if_match")?,
        copy_source_if_match: flag("copy_source_if_match")?,
        copy_if_none_match: parse_condition(text("copy_if_none_match")?)?,
        copy_if_match: parse_condition(text("copy_if_match")?)?,
        upload_part_copy: flag("upload_part_copy")?,
        crc64nvme: flag("crc64nvme")?,
        versioning: match text("versioning")? {
            "off" => Versioning::Off,
            "enabled" => Versioning::Enabled,
            "suspended" => Versioning::Suspended,
            _ => return None,
        },
    })
}

fn condition(condition: CopyCondition) -> &'static str {
    match condition {
        CopyCondition::None => "none",
        CopyCondition::Standard => "standard",
        CopyCondition::Cloudflare => "cloudflare",
    }
}

fn parse_condition(text: &str) -> Option<CopyCondition> {
    match text {
        "none" => Some(CopyCondition::None),
        "standard" => Some(CopyCondition::Standard),
        "cloudflare" => Some(CopyCondition::Cloudflare),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Capabilities, CopyCondition, ETagForm, Versioning, from_json, json, to_json};

    #[test]
    fn everything_survives() {
        let odd = Capabilities {
            put_if_match: true,
            etag_form: ETagForm::Unquoted,
            copy_if_match: CopyCondition::Cloudflare,
            versioning: Versioning::Suspended,
            ..Capabilities::NONE
        };
        for capabilities in [Capabilities::FULL, Capabilities::NONE, odd] {
            assert_eq!(from_json(&to_json(&capabilities)), Some(capabilities));
        }
    }

    #[test]
    fn what_is_not_all_there_is_nothing() {
        assert_eq!(from_json(&json!(null)), None);
        assert_eq!(from_json(&json!({"put_if_match": true})), None);
        let mut document = to_json(&Capabilities::FULL);
        document["versioning"] = json!("sometimes");
        assert_eq!(from_json(&document), None);
    }
}
