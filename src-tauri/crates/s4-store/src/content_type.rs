//! The media type that a file's name promises.
//!
//! - The name alone decides; content is never looked at.
//! - A name that promises nothing has none: the store then says `binary/octet-stream`.

/// Returns the media type for the last extension of `name`, which may be a whole path.
pub fn content_type(name: &str) -> Option<&'static str> {
    mime_guess::from_path(name).first_raw()
}

#[cfg(test)]
mod tests {
    use super::content_type;

    #[test]
    fn the_extension_decides() {
        let rows = [
            ("a/b.txt", Some("text/plain")),
            ("PHOTO.JPG", Some("image/jpeg")),
            ("archive.tar.gz", Some("application/gzip")),
            ("notes.md", Some("text/markdown")),
            ("no-extension", None),
            (".profile", None),
            ("a.txt/b", None),
            ("x.unheard-of", None),
        ];
        for (name, expected) in rows {
            assert_eq!(content_type(name), expected, "{name}");
        }
    }
}
