import {
  CONSTRAINTS,
  COST_OF_ERRORS,
  DATA_ASKED,
  DESIGN,
  GATES,
  POLICY,
  PROBLEM_APPROVALS,
  PURPOSE,
  RISK,
  ROLES,
} from './definition-sources.ts';
import {
  BASELINES,
  CHANGES,
  DATA_CARD,
  DATA_CHECKS,
  DATA_SOURCES,
  DECISIONS,
  EVALUATION,
  INPUT_RULES,
  INTERFACE,
  LABELLING,
  LIMITS,
  MACHINES,
  MODEL_CARD,
  PACKAGE_LOCKS,
  PIPELINE,
  SLICES,
  SOFTWARE,
  TRAINING,
} from './development-sources.ts';
import type { Framework, Heading } from './facts.ts';
import {
  APPROVALS,
  AUDIT,
  CANARY,
  MONITORING,
  MONITORING_RULES,
  OVERRIDES,
  RETRAINING_DECISIONS,
  RETRAINING_RULES,
  ROLLBACKS,
  SERVED,
  VERSIONS,
} from './operation-sources.ts';

const GENERAL: Heading[] = [
  {
    id: '1(a)',
    title: 'Intended purpose, name of the provider, version and its relation to previous versions',
    sources: [PURPOSE, VERSIONS],
    outside: ['name of the provider'],
  },
  {
    id: '1(b)',
    title: 'Interaction with hardware or software that is not part of the system',
    sources: [INTERFACE],
    outside: ['systems that call it or act on its answers'],
  },
  {
    id: '1(c)',
    title: 'Versions of relevant software or firmware, and requirements on updates',
    sources: [SOFTWARE, PACKAGE_LOCKS],
    outside: ['requirements on version updates'],
  },
  { id: '1(d)', title: 'Forms in which it is put into service', sources: [SERVED], outside: [] },
  {
    id: '1(e)',
    title: 'Hardware on which it is intended to run',
    sources: [],
    outside: ['hardware on which it is intended to run'],
  },
  {
    id: '1(f)',
    title: 'Photographs or illustrations, where it is a component of products',
    sources: [],
    outside: ['illustrations, or a statement that it is no component of a product'],
  },
  {
    id: '1(g)',
    title: 'User interface provided to the deployer',
    sources: [],
    outside: ['description of the user interface'],
  },
  {
    id: '1(h)',
    title: 'Instructions for use for the deployer',
    sources: [],
    outside: ['instructions for use'],
  },
];

const ELEMENTS: Heading[] = [
  {
    id: '2(a)',
    title: 'Methods and steps of development, recourse to pre-trained systems or tools of third parties',
    sources: [PIPELINE, TRAINING],
    outside: ['recourse to pre-trained systems or tools of third parties'],
  },
  {
    id: '2(b)',
    title:
      'Design specifications: logic, key design choices, what it optimises for, expected output and quality',
    sources: [DESIGN, CONSTRAINTS, TRAINING, MODEL_CARD, DECISIONS],
    outside: [],
  },
  {
    id: '2(c)',
    title: 'System architecture and computational resources',
    sources: [INTERFACE, MACHINES],
    outside: ['how software components build on each other', 'computing time and energy'],
  },
  {
    id: '2(d)',
    title: 'Data requirements: training data, provenance, scope, selection, labelling, cleaning',
    sources: [DATA_ASKED, DATA_SOURCES, DATA_CHECKS, LABELLING, DATA_CARD],
    outside: ['how the data was obtained and selected'],
  },
  {
    id: '2(e)',
    title: 'Assessment of the human oversight measures needed (Article 14)',
    sources: [APPROVALS, OVERRIDES, POLICY],
    outside: ['an assessment of the human oversight of its use'],
  },
  { id: '2(f)', title: 'Pre-determined changes', sources: [RETRAINING_RULES, GATES], outside: [] },
  {
    id: '2(g)',
    title: 'Validation and testing: data, metrics, discriminatory impacts, dated and signed reports',
    sources: [EVALUATION, BASELINES, SLICES, APPROVALS],
    outside: ['an assessment of potentially discriminatory impacts'],
  },
  { id: '2(h)', title: 'Cybersecurity measures', sources: [], outside: ['cybersecurity measures'] },
];

const REST: Heading[] = [
  {
    id: '3',
    title: 'Monitoring, functioning and control: capabilities, limitations, accuracy, oversight, input data',
    sources: [EVALUATION, SLICES, LIMITS, MONITORING, INPUT_RULES],
    outside: ['foreseeable unintended outcomes and sources of risk to health, safety and fundamental rights'],
  },
  {
    id: '4',
    title: 'Appropriateness of the performance metrics',
    sources: [DESIGN, COST_OF_ERRORS, PROBLEM_APPROVALS],
    outside: ['why these metrics are appropriate'],
  },
  {
    id: '5',
    title: 'Risk management system (Article 9)',
    sources: [RISK, GATES, ROLES],
    outside: ['the risk management system'],
  },
  {
    id: '6',
    title: 'Relevant changes through the lifecycle',
    sources: [VERSIONS, CHANGES, CANARY, AUDIT],
    outside: [],
  },
  {
    id: '7',
    title: 'Harmonised standards applied, or the solutions adopted in their place',
    sources: [],
    outside: ['list of standards, or description of the solutions adopted'],
  },
  {
    id: '8',
    title: 'Copy of the EU declaration of conformity (Article 47)',
    sources: [],
    outside: ['EU declaration of conformity'],
  },
  {
    id: '9',
    title: 'System to evaluate the performance in the post-market phase (Article 72)',
    sources: [MONITORING_RULES, MONITORING, RETRAINING_DECISIONS, ROLLBACKS],
    outside: ['post-market monitoring plan of Article 72(3)'],
  },
];

/** Annex IV has nine points, of which 1 and 2 have letters; titles are shortened. */
export const EU_AI_ACT: Framework = {
  id: 'eu-ai-act',
  name: 'EU AI Act, Annex IV (technical documentation referred to in Article 11(1))',
  text: 'Regulation (EU) 2024/1689, OJ L, 2024/1689, 12.7.2024',
  url: 'http://data.europa.eu/eli/reg/2024/1689/oj',
  groups: [
    { title: 'Point 1: general description', headings: GENERAL },
    { title: 'Point 2: elements of the system and process of its development', headings: ELEMENTS },
    { title: 'Points 3 to 9', headings: REST },
  ],
};
