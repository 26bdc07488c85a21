//! The bucket as boto3 sees it: an outside reader and writer that shares no code with S4.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{python, server::Access, tree::Tree};

/// A bucket and a prefix in it.
#[derive(Clone, Debug)]
pub struct Bucket {
    access: Access,
    name: String,
    prefix: String,
}

/// An object as a reader finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub body: Vec<u8>,
    /// Its metadata, without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// Its ETag, with quotes.
    pub etag: String,
    /// Its Content-Type.
    pub content_type: String,
}

impl Bucket {
    /// Returns the versioned bucket that the server made, at a prefix.
    pub fn of_server(access: &Access, prefix: &str) -> Self {
        Self { access: access.clone(), name: access.bucket.clone(), prefix: prefix.to_owned() }
    }

    /// Makes a bucket without versioning.
    pub fn create_unversioned(access: &Access, name: &str, prefix: &str) -> Self {
        let bucket = Self { access: access.clone(), name: name.to_owned(), prefix: prefix.to_owned() };
        bucket.act(&json!([{"do": "create"}]));
        bucket
    }

    /// Returns the same bucket at another prefix.
    pub fn at(&self, prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), ..self.clone() }
    }

    /// Returns `s3://BUCKET/PREFIX`.
    pub fn uri(&self) -> String {
        format!("s3://{}/{}", self.name, self.prefix)
    }

    /// Returns every object under the prefix by its path, S4's own left out.
    pub fn objects(&self) -> BTreeMap<String, Object> {
        let mut objects = self.all_objects();
        objects.retain(|path, _| !path.starts_with(".s4/"));
        objects
    }

    /// Returns every object under the prefix by its path, S4's own too.
    pub fn all_objects(&self) -> BTreeMap<String, Object> {
        let told = self.act(&json!([{"do": "dump"}]));
        let entries = told[0].as_object().expect("dump answers with an object");
        entries.iter().map(|(path, object)| (path.clone(), Object::parse(object))).collect()
    }

    /// Returns the paths of all files and links, markers of directories left out.
    pub fn paths(&self) -> Vec<String> {
        self.objects().into_keys().filter(|path| !path.ends_with('/')).collect()
    }

    /// Writes objects in one go, as any tool would: no metadata, no conditions.
    pub fn put(&self, objects: &[(&str, &[u8])]) {
        let steps: Vec<Value> = objects
            .iter()
            .map(|(path, body)| json!({"do": "put", "path": path, "body": latin1(body)}))
            .collect();
        self.act(&Value::Array(steps));
    }

    /// Writes an object in parts of 5 MiB, without a checksum of the whole.
    pub fn put_in_parts(&self, path: &str, body: &[u8]) {
        self.act(&json!([{"do": "put-in-parts", "path": path, "body": latin1(body)}]));
    }

    /// Deletes objects.
    pub fn delete(&self, paths: &[&str]) {
        let steps = paths.iter().map(|path| json!({"do": "delete", "path": path}));
        self.act(&steps.collect());
    }

    /// Returns the SHA-256 of a large object, of which there is no copy in memory then.
    pub fn sha256(&self, path: &str) -> String {
        let told = self.act(&json!([{"do": "sha256", "path": path}]));
        told[0].as_str().expect("sha256 answers with text").to_owned()
    }

    /// Returns how many uploads in parts were begun and neither completed nor aborted.
    pub fn uploads_under_way(&self) -> u64 {
        self.act(&json!([{"do": "uploads"}]))[0].as_u64().expect("uploads answers with a number")
    }

    /// Deletes everything under the prefix, S4's own too.
    pub fn empty(&self) {
        let paths: Vec<String> = self.all_objects().into_keys().collect();
        self.delete(&paths.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// Deletes everything under the prefix, and the bucket.
    pub fn remove_bucket(&self) {
        self.empty();
        self.act(&json!([{"do": "remove"}]));
    }

    /// Checks that the bucket holds what the tree holds: files, links and their content.
    #[track_caller]
    pub fn holds(&self, tree: &Tree) {
        let objects = self.objects();
        let here: Vec<&str> =
            objects.keys().map(String::as_str).filter(|path| !path.ends_with('/')).collect();
        assert_eq!(here, tree.file_paths(), "paths in the bucket, paths in the folder");
        for (path, node) in &tree.0 {
            let expected = match node {
                crate::tree::Node::Link(target) => target.as_bytes(),
                crate::tree::Node::File(content) | crate::tree::Node::Program(content) => content,
                crate::tree::Node::Directory => continue,
            };
            assert!(objects[path].body == expected, "`{path}` differs between bucket and folder");
        }
    }

    fn act(&self, steps: &Value) -> Value {
        let question = json!({"bucket": self.name, "prefix": self.prefix, "steps": steps});
        python::ask("bucket.py", &self.access, &question)
    }
}

impl Object {
    fn parse(told: &Value) -> Self {
        let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
        let metadata = told["metadata"].as_object().into_iter().flatten();
        Self {
            body: text("body").chars().map(|c| c as u8).collect(),
            metadata: metadata
                .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect(),
            etag: text("etag"),
            content_type: text("content_type"),
        }
    }
}

/// Returns bytes as the text whose code points they are, so that JSON carries them.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}
