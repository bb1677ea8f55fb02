-- What Ward does not interpret (kind 10) may say what a kind of resource says that a consent denies: each denial by kind hides it too.
UPDATE consent_deny SET kinds = kinds | 1024 WHERE kinds <> 0;
