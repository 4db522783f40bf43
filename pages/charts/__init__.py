"""The kinds of picture: lines, bars, spans, a heat map, a network; figures in, a drawing out."""
