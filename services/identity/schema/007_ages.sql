-- For how old a subject is at least: faces of children are not compared. NULL: not known.
ALTER TABLE subject ADD COLUMN birth_year SMALLINT NULL;
