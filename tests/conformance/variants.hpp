// SPDX-License-Identifier: MIT
#pragma once

#include "subject.hpp"

namespace lcsm::conformance {

// The same case in a call that is made differently, with the same result: its rows of y and its slots of the state hold the case's numbers.
struct Variant {
  const char* name;
  Change change;
  Change rest = nullptr;                 // a second call, which starts from the states that the first one leaves
  bool steps = false;                    // single steps can do this, too
  bool counts = true;                    // the position in the final state is that of the case
};

// packed     the rows of the batch as sequences of one row, an empty sequence between them; and their beginnings, all of different lengths, in one call
//            and what is left of them in another
// masked     masked tokens, of NaN and huge numbers, before, between and after the case's: their outputs are 0
// padded     the same without a mask, where the mixer's inputs can say that a token is to leave the state as it is (Problem::no_op)
// reversed   the tokens in reverse, and the other direction
// grouped    twice the heads, every second input given for each of them, the others for groups of two (and the other way round); one head: the rows
//            of the batch become heads first, so that parameters serve all of them
//
// withheld: without what makes them variants, and only those that must fail then.
std::vector<Variant> variants_of(const Problem& p, bool withheld);

// A mixer with a rule per head: every second input is that of head 0 for all heads, given once or copied. Pairs that must be the same to the bit.
std::vector<std::pair<Change, Change>> shared_heads(const Problem& p, bool withheld);

}  // namespace lcsm::conformance
