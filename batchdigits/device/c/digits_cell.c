/* Find the printed lines of a form's cell, and find out whether the cell is empty. */
#include "digits_vision.h"

#define MAX_PASSES 3          /* each finds the lines that are fainter than those before */
#define MIN_WALL_SPAN 0.6f    /* of the picture's side; beyond so long a line in its margin is outside of the cell */
#define SURE_SIDES 3          /* of a box; with fewer, a line may be a stroke of a tightly cropped digit */
#define MIN_REST_SHARE 0.15f  /* of the picture's longer side; a thin, straight component this long is a line's rest */
#define SOFT_EDGE_SHARE 0.25f /* of a line's thickness; where it is out of focus, its edges are this soft */
#define TOUCHING_STROKE_PRIOR 0.75f /* that a line which touches the digit is a stroke */
#define FREE_STROKE_PRIOR 0.1f      /* the same, of one that does not */
#define CROSSED_STROKE_PRIOR 0.25f  /* the same, of one that touches it in a crop that is not tight */
#define MAX_TIGHT_GAP_SHARE 0.15f   /* of the side across a line; with a wider gap at an edge, a crop is not tight */
#define MAX_REST_SHARE 0.25f        /* of the area of lines; more that is left of an empty cell belonged to a digit */
#define MIN_GAP_SHARE 0.05f         /* of the cell's side; what is this far from its walls is not the rest of one */
#define MIN_WALL_DIGIT_SHARE 0.2f   /* of both sides of the cell; what is this large may be a digit, though at a wall */
/* The same for what is larger than the rest of a wall is: its gap, in pixels too, and its longer and shorter side. */
#define MIN_STROKE_GAP_SHARE 0.02f
#define MIN_STROKE_GAP 2.0f
#define MIN_STROKE_LENGTH_SHARE 0.2f
#define MIN_STROKE_WIDTH_SHARE 0.06f
#define MIN_INSIDE 8                /* pixels of the shorter side of a cell */
#define WALL_REST_SHARE 0.1f        /* of the cell's sides; how far from its walls rests of them lie */
#define STROKE_REACH 3              /* pixels beyond a line in which a stroke that crosses it is closed again */

typedef struct {
    stroke of[MAX_LINES];
    int count;
} lines;

/* The side of a rectangle that adds the soft edges of lines, in pixels. */
static int edge_of(float thickness) { return 3 + 2 * round_of(SOFT_EDGE_SHARE * thickness); }

static int thickest_of(const lines *found, int is_level) {
    int thickest = -1;
    for (int i = 0; i < found->count; i++) {
        thickest = found->of[i].is_level == is_level ? max_of(thickest, found->of[i].thickness) : thickest;
    }
    return thickest;
}

/* Set the bit FIRST where the lines of a direction are; LINES there as well. */
static void draw(canvas c, const lines *found, int is_level) {
    uint32_t numbers = 0;
    for (int i = 0; i < found->count; i++) {
        numbers |= found->of[i].is_level == is_level ? (uint32_t)1 << found->of[i].number : 0;
    }
    for (int y = 0; y < c.labels.height; y++) {
        for (int x = 0; x < c.labels.width; x++) {
            const int label = *at(c.labels, x, y), number = is_level ? label & 15 : label >> 4;
            uint8_t *here = at(c.planes, x, y);
            *here = (uint8_t)((*here & ~FIRST) | (number && numbers >> number & 1 ? FIRST | LINES : 0));
        }
    }
}

/* Set SECOND where two lines cross, if they come that near to each other. */
static void draw_crossing(picture planes, const stroke *level, const stroke *upright) {
    const float down = CORNER_SHARE * (float)upright->along + 1.0f, across = CORNER_SHARE * (float)level->along + 1.0f;
    if ((float)level->start - across > (float)upright->far || (float)upright->near > (float)level->end + across ||
        (float)upright->start - down > (float)level->far || (float)level->near > (float)upright->end + down) {
        return;
    }
    for (int y = max_of(0, level->near - 1); y < min_of(planes.height, level->far + 1); y++) {
        for (int x = max_of(0, upright->near - 1); x < min_of(planes.width, upright->far + 1); x++) {
            *at(planes, x, y) |= SECOND;
        }
    }
}

/* Add to GONE the pixels of the lines just found, with their soft edges and the corners of all lines, but not the
 * strokes of MASK that cross them. */
static void erase(canvas c, canvas window, const lines *found, const lines *all) {
    digits_clear(c.planes, FIRST | SECOND | THIRD);
    if (thickest_of(found, 1) >= 0) {
        const int edge = edge_of((float)thickest_of(found, 1));
        draw(window, found, 1);
        digits_slide(turned(c.planes), FIRST, SECOND, edge / 2, edge / 2, ANY);
        digits_clear(c.planes, FIRST);
    }
    if (thickest_of(found, 0) >= 0) {
        const int edge = edge_of((float)thickest_of(found, 0));
        draw(window, found, 0);
        digits_slide(c.planes, FIRST, THIRD, edge / 2, edge / 2, ANY);
    }
    for (int i = 0; i < all->count; i++) {
        for (int j = 0; j < all->count; j++) {
            if (all->of[i].is_level && !all->of[j].is_level) {
                draw_crossing(c.planes, all->of + i, all->of + j);
            }
        }
    }
    for (int i = 0; i < area_of(c.planes); i++) { /* SECOND: what may go; THIRD: the rest of the ink */
        const int bits = c.planes.pixels[i], goes = bits & (SECOND | THIRD);
        c.planes.pixels[i] = (uint8_t)((bits & ~(SECOND | THIRD)) | (goes ? SECOND : bits & MASK ? THIRD : 0));
    }
    const int side = (max_of(thickest_of(found, 0), thickest_of(found, 1)) + STROKE_REACH) | 1;
    digits_widen(c.planes, THIRD, FIRST, THIRD, side, side);
    digits_narrow(c.planes, THIRD, FIRST, THIRD, side, side);
    for (int i = 0; i < area_of(c.planes); i++) {
        const int bits = c.planes.pixels[i], is_stroke = bits & THIRD && bits & MASK;
        c.planes.pixels[i] = (uint8_t)(bits | (bits & SECOND && !is_stroke ? GONE : 0));
    }
}

static int is_wall(const stroke *s) { return span_of(s) >= MIN_WALL_SPAN && s->margin < MARGIN_SHARE; }

static int walls_of(const lines *all) {
    int walls = 0;
    for (int i = 0; i < all->count; i++) {
        walls |= is_wall(all->of + i) ? all->of[i].side : 0;
    }
    return walls;
}

/* The inside of the cell: of its lines, in that of its frame or in the whole view. */
static box inside_of(const lines *all, box b) {
    int is_ruled[2] = {0, 0}; /* such a page has no cell that way */
    for (int i = 0; i < all->count; i++) {
        is_ruled[all->of[i].is_level] |= all->of[i].margin >= MARGIN_SHARE;
    }
    for (int i = 0; i < all->count; i++) {
        const stroke *s = all->of + i;
        const int is_farther = (s->side & 10) != 0;
        if (!is_wall(s) || is_ruled[s->is_level]) {
            continue;
        }
        int16_t *near = s->is_level ? &b.top : &b.left, *far = s->is_level ? &b.bottom : &b.right;
        *near = is_farther ? *near : (int16_t)max_of(*near, s->far);
        *far = is_farther ? (int16_t)min_of(*far, s->near) : *far;
    }
    return b;
}

/* Add to GONE a closed frame and the frames in it, with their soft edges. Returns whether there is one; its inside is
 * put into `inside`. */
static int erase_frames(canvas c, components *parts, box *inside) {
    int count = 0;
    for (; count < MAX_PASSES; count++) {
        const canvas window = inner(c, *inside);
        const int label = digits_find_frame(window, parts);
        if (!label) {
            break;
        }
        const box b = parts->of[label - 1];
        const float thickness = (float)parts->area[label - 1] / (float)(2 * (width_of(b) + height_of(b)));
        const int edge = edge_of(thickness), side = round_of(thickness);
        digits_clear(c.planes, THIRD);
        digits_select(window, only(label), THIRD);
        digits_widen(c.planes, THIRD, FIRST, THIRD, edge, edge);
        for (int i = 0; i < area_of(c.planes); i++) {
            c.planes.pixels[i] |= c.planes.pixels[i] & THIRD ? GONE : 0;
        }
        *inside = box_from(inside->left + b.left + side, inside->top + b.top + side, inside->left + b.right - side,
                           inside->top + b.bottom - side);
        if (min_of(width_of(*inside), height_of(*inside)) < MIN_INSIDE) {
            return 1;
        }
        const canvas next = inner(c, *inside);
        digits_set_over(next.view, next.planes, digits_threshold(next.view, next.planes, GONE), MASK, GONE);
        digits_label(next, MASK, parts);
    }
    return count > 0;
}

static int gap_of(box b, box inside, int is_level) {
    return is_level ? min_of(b.left - inside.left, inside.right - b.right)
                    : min_of(b.top - inside.top, inside.bottom - b.bottom);
}

/* Whether a component lies apart from the walls of a cell, or is large. */
static int is_apart(box b, box inside) {
    const float width = (float)width_of(inside), height = (float)height_of(inside);
    const float gap = smaller((float)gap_of(b, inside, 1) / width, (float)gap_of(b, inside, 0) / height);
    const float shorter = smaller((float)width_of(b) / width, (float)height_of(b) / height);
    const float longer = larger((float)width_of(b) / width, (float)height_of(b) / height);
    const float stroke_gap = larger(MIN_STROKE_GAP_SHARE, MIN_STROKE_GAP / smaller(width, height));
    const int is_stroke = longer >= MIN_STROKE_LENGTH_SHARE && shorter >= MIN_STROKE_WIDTH_SHARE;
    return gap >= MIN_GAP_SHARE || (gap >= stroke_gap && is_stroke) || shorter >= MIN_WALL_DIGIT_SHARE;
}

/* Whether a component is thin, straight and long enough to be the rest of a line. */
static int is_rest(box b, int area, picture p) {
    const float length = (float)length_of(b), thickness = (float)area / length, side = (float)long_side(p);
    return thickness <= THIN_SHARE * side + 1.0f && length > MIN_REST_SHARE * side &&
           (float)min_of(width_of(b), height_of(b)) <= 2.0f * thickness + MAX_SLOPE * length + 1.0f;
}

/* The components that are written in the middle of a cell, and those near them. */
static set without_rests(canvas c, const components *parts, box inside) {
    const int x = round_of(OUTER_MARGIN_SHARE * (float)width_of(inside));
    const int y = round_of(OUTER_MARGIN_SHARE * (float)height_of(inside));
    const box middle = box_from(inside.left + x, inside.top + y, inside.right - x, inside.bottom - y);
    set central = digits_present(part(c.labels, middle)), main = 0, rests = 0;
    const int is_empty = !central;
    for (int label = 1; label <= parts->labels && is_empty; label++) {
        central |= is_apart(parts->of[label - 1], inside) ? only(label) : 0;
    }
    int longest = 0;
    for (int label = 1; label <= parts->labels; label++) {
        longest = is_in(central, label) ? max_of(longest, length_of(parts->of[label - 1])) : longest;
    }
    for (int label = 1; label <= parts->labels; label++) {
        const box b = parts->of[label - 1];
        main |= is_in(central, label) && (float)length_of(b) >= MIN_FREE_SHARE * (float)longest ? only(label) : 0;
        rests |= is_rest(b, parts->area[label - 1], c.view) ? only(label) : 0;
    }
    return main ? central | (digits_near(c, parts, main) & ~rests) : 0;
}

/* Whether a crop may be so tight that strokes run from edge to edge: its ink nearly does so across them, too. */
static int is_tight(canvas c, const lines *all) {
    const box b = digits_box(c.planes, WHOLE);
    const int across = max_of(b.left, c.view.width - b.right), down = max_of(b.top, c.view.height - b.bottom);
    int is_close = 1;
    for (int i = 0; i < all->count; i++) {
        const stroke *line = all->of + i;
        const float gap = line->is_level ? (float)down / (float)c.view.height : (float)across / (float)c.view.width;
        is_close &= span_of(line) < RULED_SHARE || gap <= MAX_TIGHT_GAP_SHARE;
    }
    return is_close || short_side(c.view) < SMALL_SIDE;
}

/* How probable it is that removed lines are strokes of a digit, which is in DIGIT. */
static float stroke_prior_of(canvas c, const lines *all, components *parts) {
    const int sides = digits_sides_of(all->of, all->count);
    if (!digits_count(c.planes, DIGIT)) {
        int is_line = digits_size((set)sides) > 1, area = 0, rest = 0;
        for (int i = 0; i < all->count; i++) {
            is_line |= all->of[i].margin < OUTER_MARGIN_SHARE;
            is_line |= all->of[i].is_level && short_side(c.view) >= SMALL_SIDE;
            area += all->of[i].area;
        }
        for (int i = 0; i < area_of(c.planes); i++) {
            rest += (c.planes.pixels[i] & (WHOLE | GONE)) == WHOLE;
        }
        return is_line && (float)rest <= MAX_REST_SHARE * (float)area ? 0.0f : 1.0f;
    }
    if (digits_size((set)sides) >= SURE_SIDES && short_side(c.view) >= SMALL_SIDE) {
        return 0.0f;
    }
    digits_label(c, WHOLE, parts);
    if (!(digits_having(c, DIGIT) & digits_having(c, LINES))) {
        return FREE_STROKE_PRIOR;
    }
    return is_tight(c, all) ? TOUCHING_STROKE_PRIOR : CROSSED_STROKE_PRIOR;
}

/* Move lines that were found in a part of the view to their place in the view. */
static void place(lines *found, box where, picture view) {
    for (int i = 0; i < found->count; i++) {
        stroke *s = found->of + i;
        const int along = s->is_level ? where.left : where.top, across = s->is_level ? where.top : where.left;
        s->start = (uint8_t)(s->start + along);
        s->end = (uint8_t)(s->end + along);
        s->near = (uint8_t)(s->near + across);
        s->far = (uint8_t)(s->far + across);
        digits_place(s, view.width, view.height);
    }
}

static void append(lines *all, const lines *found) {
    for (int i = 0; i < found->count && all->count < MAX_LINES; i++) {
        all->of[all->count++] = found->of[i];
    }
}

/* Remove the ticks of a comb from the ink of MASK, with its components; no cell if there are none. */
static cell without_ticks(canvas c, components *parts) {
    cell result = {0, 0, 0, 0.0f};
    digits_label(c, MASK, parts);
    const set ticks = digits_find_ticks(parts, c.view);
    if (!ticks) {
        return result;
    }
    digits_select(c, ~ticks, DIGIT);
    digits_select(c, ticks, THIRD);
    digits_widen(c.planes, THIRD, FIRST, THIRD, 3, 3);
    for (int i = 0; i < area_of(c.planes); i++) {
        c.planes.pixels[i] |= c.planes.pixels[i] & THIRD ? GONE : 0;
    }
    /* The digit may be fainter than the ticks. */
    digits_set_over(c.view, c.planes, digits_threshold(c.view, c.planes, GONE), MASK, GONE);
    if (digits_is_ink(c.view, c.planes, GONE)) {
        digits_copy(c.planes, MASK, DIGIT);
    }
    result.is_cell = 1;
    result.has_ink = digits_count(c.planes, DIGIT) > 0;
    result.stroke_prior = result.has_ink ? FREE_STROKE_PRIOR : 0.0f;
    return result;
}

/* Whether there is writing in the middle of a cell's inside, too little to be told by its share. */
static int is_written(canvas window) {
    const int width = window.view.width, height = window.view.height;
    const int x = round_of(WALL_REST_SHARE * (float)width), y = round_of(WALL_REST_SHARE * (float)height);
    return digits_are_written(inner(window, box_from(x, y, width - x, height - y)), GONE);
}

cell digits_find_cell(canvas c, components *parts) {
    const cell none = {0, 0, 0, 0.0f};
    cell result = {1, 1, 0, 0.0f}, comb;
    lines all = {.count = 0}, found = {.count = 0};
    box frame = all_of(c.view), where = frame, inside;
    digits_copy(c.planes, MASK, WHOLE);
    digits_clear(c.planes, GONE | LINES | DIGIT);
    const int is_framed = erase_frames(c, parts, &frame);
    found.count = is_framed ? 0 : digits_find_lines(c, 0, found.of);
    if (!is_framed && !found.count) {
        return without_ticks(c, parts);
    }
    for (int pass = 1;; pass++) {
        append(&all, &found);
        if (found.count) {
            erase(c, inner(c, where), &found, &all);
        }
        inside = inside_of(&all, frame);
        if (min_of(width_of(inside), height_of(inside)) < MIN_INSIDE) {
            return none;
        }
        const canvas window = inner(c, inside);
        digits_set_over(c.view, c.planes, digits_threshold(window.view, window.planes, GONE), MASK, GONE);
        digits_label(window, MASK, parts);
        const int label = is_framed && pass == 1 ? digits_longest(parts) : 0; /* maybe a frame that the digit touches */
        const int is_frame = label && digits_is_frame_sized(parts->of[label - 1], window.view);
        if (pass == MAX_PASSES || !(is_frame || digits_may_have_more_lines(parts, window.view))) {
            break;
        }
        found.count = digits_find_lines(window, is_framed ? ALL_SIDES : walls_of(&all), found.of);
        if (!found.count) {
            break;
        }
        where = inside;
        place(&found, where, c.view);
    }
    const canvas window = inner(c, inside);
    if (digits_is_ink(window.view, window.planes, GONE) ||
        (digits_count(window.planes, MASK) && is_written(window))) {
        comb = without_ticks(c, parts);
        if (comb.is_cell) {
            return comb;
        }
        digits_select(c, without_rests(c, parts, inside), DIGIT);
    } else if (is_framed) {
        /* A shadow may hide the digit, but not from the threshold that found the frame. */
        for (int i = 0; i < area_of(c.planes); i++) {
            uint8_t *here = c.planes.pixels + i;
            *here = (uint8_t)((*here & ~MASK) | ((*here & (WHOLE | GONE)) == WHOLE ? MASK : 0));
        }
        digits_label(c, MASK, parts);
        digits_select(c, without_rests(c, parts, inside), DIGIT);
    }
    result.has_ink = digits_count(c.planes, DIGIT) > 0;
    if (!is_framed) {
        result.stroke_prior = stroke_prior_of(c, &all, parts);
        result.is_box = digits_sides_of(all.of, all.count) == ALL_SIDES;
    }
    return result;
}
