/* Find printed lines among strokes: ruled lines, the box of a form's cell, what is left of a grid along an edge.
 *
 * A line runs from edge to edge of the picture, or from an edge to a line across it, or it is a side of a box. No
 * stroke of a digit does, unless the crop is tight. */
#include "digits_vision.h"

/* Shares are of the picture's side along which a line runs, unless another side is named. */
#define SPANNING_SHARE 0.85f      /* a line of this length runs from edge to edge */
#define EDGE_SPANNING_SHARE 0.75f /* the same, for a line next to the edge */
#define EDGE_MARGIN_SHARE 0.12f   /* of the side across: how near that is */
#define THIN_SPANNING_SHARE 0.7f  /* a thin line is told from a pen's stroke if it is shorter, too */
#define BOX_SIDE_SHARE 0.55f      /* least length of the sides of a box that lies inside the picture */
#define FOURTH_SIDE_SHARE 0.5f    /* least length of a side of a box of which two sides were found */

typedef uint32_t chosen; /* of the strokes: a bit for each */

static int is_chosen(chosen c, int index) { return c >> index & 1; }

int digits_sides_of(const stroke *lines, int count) {
    int sides = 0;
    for (int i = 0; i < count; i++) {
        sides |= lines[i].margin < MARGIN_SHARE ? lines[i].side : 0;
    }
    return sides;
}

static int sides_of(const stroke *strokes, int count, chosen c) {
    int sides = 0;
    for (int i = 0; i < count; i++) {
        sides |= is_chosen(c, i) ? digits_sides_of(strokes + i, 1) : 0;
    }
    return sides;
}

/* Whether a stroke in the margin is as thin as a printed line. */
static int is_thin(const stroke *s) {
    return s->margin < MARGIN_SHARE && (float)s->thickness <= THIN_SHARE * (float)s->along + 1.0f;
}

/* Whether a stroke runs from edge to edge of the picture. */
static int is_spanning(const stroke *s, int walls) {
    const float length = (float)s->length, along = (float)s->along;
    if (s->margin >= MARGIN_SHARE) {
        return length >= RULED_SHARE * along;
    }
    if (s->side & walls) {
        return length >= (is_thin(s) ? THIN_SPANNING_SHARE : SPANNING_SHARE) * along;
    }
    const float least = s->margin >= EDGE_MARGIN_SHARE ? SPANNING_SHARE : EDGE_SPANNING_SHARE;
    return span_of(s) >= least && length >= BOX_SIDE_SHARE * along;
}

/* Whether an end of a stroke lies at a line across it. */
static int meets(const stroke *s, int end, const stroke *line) {
    const float reach = CORNER_SHARE * (float)s->along + 1.0f;
    return line->is_level != s->is_level && (float)line->near - reach <= (float)end &&
           (float)end <= (float)line->far + reach;
}

/* Those of some strokes that an end of a stroke meets. */
static chosen met_by(const stroke *strokes, int count, chosen among, const stroke *s, int end) {
    chosen found = 0;
    for (int i = 0; i < count; i++) {
        found |= is_chosen(among, i) && meets(s, end, strokes + i) ? (chosen)1 << i : 0;
    }
    return found;
}

/* The strokes that form at least three sides of a box: one that joins two others, and these. */
static chosen find_box(const stroke *strokes, int count) {
    chosen sides = 0, found = 0;
    for (int i = 0; i < count; i++) {
        const int is_side = span_of(strokes + i) >= BOX_SIDE_SHARE && strokes[i].margin < MARGIN_SHARE;
        sides |= is_side ? (chosen)1 << i : 0;
    }
    for (int i = 0; i < count; i++) {
        const chosen at_start = met_by(strokes, count, sides, strokes + i, strokes[i].start);
        const chosen at_end = met_by(strokes, count, sides, strokes + i, strokes[i].end);
        found |= is_chosen(sides, i) && at_start && at_end ? (chosen)1 << i | at_start | at_end : 0;
    }
    return found;
}

/* Whether a stroke in the margin runs from a line across to another one, or to an edge of the picture. */
static int joins(const stroke *strokes, int count, chosen lines, int walls, const stroke *s) {
    if (s->margin >= MARGIN_SHARE || (float)s->length < BOX_SIDE_SHARE * (float)s->along) {
        return 0;
    }
    const float reach = CORNER_SHARE * (float)s->along + 1.0f;
    const int at_start = met_by(strokes, count, lines, s, s->start) != 0;
    const int at_end = met_by(strokes, count, lines, s, s->end) != 0;
    const int starts = at_start || (float)s->start <= reach, ends = at_end || (float)s->end >= (float)s->along - reach;
    return (walls || at_start || at_end) && starts && ends && !(s->side & (walls | sides_of(strokes, count, lines)));
}

/* Whether a stroke in the margin meets a line or an edge, and at least two sides but not its own have lines. */
static int completes_box(const stroke *strokes, int count, chosen lines, int walls, const stroke *s) {
    if (s->margin >= OUTER_MARGIN_SHARE || (float)s->length < FOURTH_SIDE_SHARE * (float)s->along) {
        return 0;
    }
    const int sides = walls | sides_of(strokes, count, lines);
    const chosen met = met_by(strokes, count, lines, s, s->start) | met_by(strokes, count, lines, s, s->end);
    return (met || !s->start || s->end == s->along) && digits_size((set)sides) >= 2 && !(s->side & sides);
}

/* Sort by the distance from the edges; of equals, the one before stays before. */
static void sort(stroke *strokes, int count) {
    for (int i = 1; i < count; i++) {
        const stroke s = strokes[i];
        int j = i;
        for (; j > 0 && strokes[j - 1].margin > s.margin; j--) {
            strokes[j] = strokes[j - 1];
        }
        strokes[j] = s;
    }
}

static chosen choose(const stroke *strokes, int count, int walls) {
    chosen lines = 0, thin = 0;
    for (int i = 0, sides = walls; i < count; i++) { /* from the edges on */
        if (is_spanning(strokes + i, sides)) {
            lines |= (chosen)1 << i;
            sides |= digits_sides_of(strokes + i, 1);
        }
    }
    lines = lines ? lines : find_box(strokes, count);
    for (int i = 0; i < count; i++) {
        thin |= !is_chosen(lines, i) && is_thin(strokes + i) ? (chosen)1 << i : 0;
    }
    lines |= digits_size((set)sides_of(strokes, count, thin)) >= 3 ? thin : 0;
    const chosen before = lines;
    for (int i = 0; i < count; i++) {
        lines |= !is_chosen(before, i) && joins(strokes, count, before, walls, strokes + i) ? (chosen)1 << i : 0;
    }
    const chosen joined = lines;
    for (int i = 0; i < count; i++) {
        lines |=
            !is_chosen(joined, i) && completes_box(strokes, count, joined, walls, strokes + i) ? (chosen)1 << i : 0;
    }
    return lines;
}

int digits_find_lines(canvas c, int walls, stroke lines[MAX_LINES]) {
    const int count = digits_find_strokes(c, lines);
    int kept = 0;
    sort(lines, count);
    const chosen found = choose(lines, count, walls);
    for (int i = 0; i < count; i++) {
        if (is_chosen(found, i)) {
            lines[kept++] = lines[i];
        }
    }
    return kept;
}
