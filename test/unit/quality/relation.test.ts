import { expect, test } from 'vitest';
import { Categories } from '../../../src/anatomy/categories.js';
import { Words } from '../../../src/order-check/words.js';
import { Relations } from '../../../src/quality/relation.js';

const categories = Categories.read();
const relations = new Relations(Words.read(categories));

test.each([
  ['KNEE', 'knee_ap', 'equal'],
  ['Knie', 'knee_ap', 'equal'],
  ['WRIST', 'scaphoid_pa', 'equal'],
  ['SCAPHOID', 'scaphoid_pa', 'equal'],
  ['LOWERLEG', 'lower_leg_ap', 'equal'],
  ['EXTREMITY', 'knee_ap', 'compatible'],
  ['SPINE', 'lumbar_spine_ap', 'compatible'],
  ['KNEE', 'leg_full_length_ap', 'compatible'],
  ['HAND', 'wrist_ap', 'neighbouring'],
  ['KNEE', 'patella_axial', 'neighbouring'],
  ['ABDOMEN', 'pelvis_ap', 'neighbouring'],
  ['CHEST ABDOMEN', 'abdomen_ap', 'equal'],
  ['FOOT', 'hand_ap', 'contradictory'],
  ['CHEST', 'knee_ap', 'contradictory'],
  ['UNKNOWN', 'knee_ap', 'unmappable'],
  ['KNEE', 'a_view_without_codes', 'unmappable'],
])('Body Part Examined %s on a picture of %s: %s', (value, category, relation) => {
  expect(relations.bodyPart(value, categories.codesOf(category))).toBe(relation);
});

test.each([
  ['AP', 'knee_ap', 'equal'],
  ['PA', 'chest_pa_ap', 'equal'],
  ['ap', 'chest_pa_ap', 'equal'],
  ['LL', 'chest_lateral', 'equal'],
  ['LATERAL', 'knee_lateral', 'equal'],
  ['LLD', 'abdomen_left_lateral_decubitus', 'equal'],
  ['RLO', 'foot_oblique', 'equal'],
  ['PA', 'knee_ap', 'compatible'],
  ['AP', 'foot_oblique', 'neighbouring'],
  ['AP', 'oblique_view_of_Lauenstein', 'neighbouring'],
  ['PA', 'shoulder_outlet', 'neighbouring'],
  ['AP', 'abdomen_left_lateral_decubitus', 'neighbouring'],
  ['AP', 'knee_lateral', 'contradictory'],
  ['LL', 'chest_pa_ap', 'contradictory'],
  ['AP', 'patella_axial', 'contradictory'],
  ['AXIAL', 'hip_lateral_cross_table', 'equal'],
  ['AXIAL', 'knee_lateral', 'contradictory'],
  ['LATERAL', 'shoulder_axial', 'neighbouring'],
  ['AP', 'clavicle_axial', 'neighbouring'],
  ['ML', 'knee_lateral', 'equal'],
  ['LM', 'elbow_lateral', 'equal'],
  ['ml', 'knee_ap', 'contradictory'],
  ['MLO', 'foot_oblique', 'equal'],
  ['AX', 'patella_axial', 'unmappable'],
  ['AX', 'knee_ap', 'unmappable'],
  ['XYZ', 'knee_ap', 'unmappable'],
  ['AP', 'a_view_without_codes', 'unmappable'],
])('View Position %s on a picture of %s: %s', (value, category, relation) => {
  expect(relations.view(value, categories.codesOf(category))).toBe(relation);
});
