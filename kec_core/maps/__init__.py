"""Maps of a collection: the graph of neighbours, its layouts in the plane, and what of a layout is drawn."""
