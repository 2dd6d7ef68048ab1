"""Generates the columns of tables from the fields of the models, with their types and help texts."""

from django.db import models

from dev.reference.markdown import code, table

TYPES = {
    "BigIntegerField": "integer",
    "BinaryField": "bytes",
    "BooleanField": "boolean",
    "CharField": "text",
    "CompressedField": "bytes",
    "DateTimeField": "time",
    "FloatField": "number",
    "ForeignKey": "reference",
    "HeadersField": "JSON",
    "JSONField": "JSON",
    "PositiveBigIntegerField": "integer",
    "PositiveIntegerField": "integer",
    "PositiveSmallIntegerField": "integer",
    "TextField": "text",
    "UUIDField": "UUID",
}


def blocks(*tables: type[models.Model]) -> dict[str, str]:
    """Return the columns of each table, by the name of its model."""
    return {model.__name__: of(model) for model in tables}


def of(model: type[models.Model]) -> str:
    """Return the table of a model's columns, without the primary key."""
    fields = [field for field in model._meta.concrete_fields if field.name != "id"]
    rows = [(code(field.name), _type(field), str(field.help_text)) for field in fields]
    return table(("field", "type", "meaning"), rows)


def _type(field: "models.Field[object, object]") -> str:
    kind = TYPES[type(field).__name__]
    if isinstance(field, models.ForeignKey):
        kind = f"{field.remote_field.model.__name__}"
    if field.choices:
        kind = ", ".join(code(str(value)) for value, _ in field.flatchoices)
    return f"{kind}, or null" if field.null else kind
